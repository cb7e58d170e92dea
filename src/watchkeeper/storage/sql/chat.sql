-- name: list_chat_doors
-- The doors of a project's channels, never what requests are proved by.
SELECT d.id, d.channel, d.platform, d.language, d.opened_by, d.open_reason, d.opened_at, d.last_event_at,
       (SELECT count(*) FROM watchkeeper.chat_links l WHERE l.project_id = d.project_id AND l.channel = d.channel) AS links
  FROM watchkeeper.chat_doors d WHERE d.project_id = %(project_id)s ORDER BY d.channel

-- name: open_chat_door
-- Opens a door for a channel, or gives the one that is there a new secret; the address stays.
WITH opened AS (
  INSERT INTO watchkeeper.chat_doors AS d (id, project_id, channel, platform, language, opened_by, open_reason, opened_at)
  VALUES (%(id)s, %(project_id)s, %(channel)s, %(platform)s, %(language)s, %(actor)s, %(reason)s, watchkeeper.now())
  ON CONFLICT (project_id, channel) DO UPDATE
     SET platform = excluded.platform, language = excluded.language, opened_by = excluded.opened_by,
         open_reason = excluded.open_reason, opened_at = excluded.opened_at
  RETURNING id, project_id, channel, platform, language, opened_at
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, reason, data)
  SELECT project_id, 'chat_door_opened', %(actor)s, %(reason)s, jsonb_build_object('channel', channel, 'platform', platform)
    FROM opened
)
SELECT * FROM opened

-- name: keep_chat_secret
-- Keeps what a door's requests are proved by.
INSERT INTO watchkeeper.chat_door_secrets (door_id, secret) VALUES (%(id)s, %(secret)s)
ON CONFLICT (door_id) DO UPDATE SET secret = excluded.secret

-- name: close_chat_door
-- Closes a door: its address answers no more, its links end, its buttons do nothing. No row where there is none.
WITH closed AS (
  DELETE FROM watchkeeper.chat_doors WHERE project_id = %(project_id)s AND channel = %(channel)s
  RETURNING project_id, channel, platform
), links AS (
  DELETE FROM watchkeeper.chat_links l USING closed c WHERE l.project_id = c.project_id AND l.channel = c.channel RETURNING l.id
), places AS (
  DELETE FROM watchkeeper.chat_places p USING closed c WHERE p.project_id = c.project_id AND p.channel = c.channel
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, reason, data)
  SELECT project_id, 'chat_door_closed', %(actor)s, %(reason)s,
         jsonb_build_object('channel', channel, 'platform', platform, 'links', (SELECT count(*) FROM links)) FROM closed
)
SELECT channel FROM closed

-- name: find_chat_door
-- The door of an address with what proves its requests, the time, and how many of its events wait (1,000 at most are counted).
SELECT d.id, d.project_id, d.channel, d.platform, d.language, s.secret, watchkeeper.now() AS now,
       (SELECT count(*) FROM (SELECT FROM watchkeeper.chat_events e
                               WHERE e.project_id = d.project_id AND e.channel = d.channel AND e.handled_at IS NULL
                               LIMIT 1000) w) AS waiting
  FROM watchkeeper.chat_doors d JOIN watchkeeper.chat_door_secrets s ON s.door_id = d.id WHERE d.id = %(id)s

-- name: door_of_channel
-- The door of a channel.
SELECT id, project_id, channel, platform, language FROM watchkeeper.chat_doors
 WHERE project_id = %(project_id)s AND channel = %(channel)s

-- name: note_chat_place
-- Keeps that a door heard of a chat, to the minute; 200 chats of a door at most.
WITH door AS (
  UPDATE watchkeeper.chat_doors SET last_event_at = watchkeeper.now()
   WHERE project_id = %(project_id)s AND channel = %(channel)s
     AND (last_event_at IS NULL OR last_event_at < watchkeeper.now() - interval '1 minute')
)
INSERT INTO watchkeeper.chat_places AS p (project_id, channel, chat, kind, title, first_seen_at, last_seen_at)
SELECT %(project_id)s, %(channel)s, %(chat)s, %(kind)s, %(title)s::text, watchkeeper.now(), watchkeeper.now()
 WHERE EXISTS (SELECT FROM watchkeeper.chat_places k
                WHERE k.project_id = %(project_id)s AND k.channel = %(channel)s AND k.chat = %(chat)s)
    OR (SELECT count(*) FROM watchkeeper.chat_places k WHERE k.project_id = %(project_id)s AND k.channel = %(channel)s) < 200
ON CONFLICT (project_id, channel, chat) DO UPDATE
   SET kind = excluded.kind, title = coalesce(excluded.title, p.title), last_seen_at = excluded.last_seen_at
 WHERE p.last_seen_at < excluded.last_seen_at - interval '1 minute' OR excluded.title IS DISTINCT FROM p.title

-- name: list_chat_places
-- Chats that a project's doors have heard of, the latest first.
SELECT p.channel, d.platform, p.chat, p.kind, p.title, p.first_seen_at, p.last_seen_at
  FROM watchkeeper.chat_places p
  JOIN watchkeeper.chat_doors d ON d.project_id = p.project_id AND d.channel = p.channel
 WHERE p.project_id = %(project_id)s AND (%(channel)s::text IS NULL OR p.channel = %(channel)s::text)
 ORDER BY p.last_seen_at DESC, p.chat LIMIT 200

-- name: keep_chat_event
-- Keeps an event that asks for something, once; no row where it was told before.
INSERT INTO watchkeeper.chat_events (project_id, channel, event_id, wish, chat, account, account_name, said, secret_hash,
                                     reply_by, reply, message, received_at)
VALUES (%(project_id)s, %(channel)s, %(event_id)s, %(wish)s, %(chat)s, %(account)s::text, %(account_name)s::text,
        %(said)s::text, %(secret_hash)s::bytea, %(reply_by)s, %(reply)s::text, %(message)s::text, watchkeeper.now())
ON CONFLICT DO NOTHING
RETURNING event_id

-- name: open_chat_events
-- Events that nobody handles: left by who died, or by a database that was away.
SELECT project_id, channel, event_id FROM watchkeeper.chat_events
 WHERE handled_at IS NULL AND received_at < (SELECT watchkeeper.now()) - make_interval(secs => %(seconds)s::float8)
   AND (taken_at IS NULL OR taken_at < (SELECT watchkeeper.now()) - interval '1 minute')
 ORDER BY received_at LIMIT %(limit)s

-- name: take_chat_event
-- Takes an event to handle it, with its door; no row where it is over, or somebody else has it.
UPDATE watchkeeper.chat_events e SET taken_at = watchkeeper.now(), tries = e.tries + 1
  FROM watchkeeper.chat_doors d
 WHERE e.project_id = %(project_id)s AND e.channel = %(channel)s AND e.event_id = %(event_id)s AND e.handled_at IS NULL
   AND (e.taken_at IS NULL OR e.taken_at < watchkeeper.now() - interval '1 minute')
   AND d.project_id = e.project_id AND d.channel = e.channel
RETURNING e.*, d.platform, d.language, watchkeeper.now() AS now

-- name: note_chat_outcome
-- Keeps what came of an event, and what is answered.
UPDATE watchkeeper.chat_events SET outcome = %(outcome)s, answer = %(answer)s
 WHERE project_id = %(project_id)s AND channel = %(channel)s AND event_id = %(event_id)s

-- name: end_chat_event
-- Ends an event: it was answered, or could not be. What an answer goes back by is forgotten.
UPDATE watchkeeper.chat_events
   SET handled_at = watchkeeper.now(), reply = NULL, error = %(error)s::text
 WHERE project_id = %(project_id)s AND channel = %(channel)s AND event_id = %(event_id)s

-- name: make_chat_code
-- Keeps a code that links an account, by its hash; a person's older unused ones end.
WITH ended AS (
  UPDATE watchkeeper.chat_codes SET expires_at = watchkeeper.now()
   WHERE principal_id = %(principal_id)s AND used_at IS NULL AND expires_at > watchkeeper.now()
), made AS (
  INSERT INTO watchkeeper.chat_codes (code_hash, principal_id, token_id, role, scope, expires_at)
  VALUES (%(code_hash)s, %(principal_id)s, %(token_id)s::uuid, %(role)s, %(scope)s::text,
          watchkeeper.now() + make_interval(secs => %(seconds)s::float8))
  RETURNING expires_at
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, reason, data)
  SELECT coalesce(%(scope)s::text, 'system'), 'chat_code_created', %(actor)s, %(reason)s::text, jsonb_build_object('expires_at', expires_at)
    FROM made
)
SELECT expires_at FROM made

-- name: wrong_chat_codes
-- How many wrong codes an account sent in the last ten minutes.
SELECT count(*) AS wrong FROM watchkeeper.chat_events
 WHERE project_id = %(project_id)s AND channel = %(channel)s AND account = %(account)s AND outcome = 'code_unknown'
   AND received_at > watchkeeper.now() - interval '10 minutes'

-- name: use_chat_code
-- Uses a living code up, and gives whose it is; no row where it is unknown, used or too old, or its token lives no more.
UPDATE watchkeeper.chat_codes c SET used_at = watchkeeper.now()
 WHERE c.code_hash = %(code_hash)s AND c.used_at IS NULL AND c.expires_at > watchkeeper.now()
   AND (c.token_id IS NULL OR EXISTS (
         SELECT FROM watchkeeper.tokens t WHERE t.id = c.token_id AND t.revoked_at IS NULL
            AND (t.expires_at IS NULL OR t.expires_at > watchkeeper.now())))
RETURNING c.principal_id, c.token_id, c.role, c.scope,
          (SELECT p.name FROM watchkeeper.principals p WHERE p.id = c.principal_id) AS name

-- name: link_chat_account
-- Links an account of a chat to somebody; who it was linked to before is replaced.
WITH linked AS (
  INSERT INTO watchkeeper.chat_links AS l (project_id, channel, account, account_name, principal_id, token_id, role, scope,
                                           linked_at)
  VALUES (%(project_id)s, %(channel)s, %(account)s, %(account_name)s::text, %(principal_id)s, %(token_id)s::uuid, %(role)s,
          %(scope)s::text, watchkeeper.now())
  ON CONFLICT (project_id, channel, account) DO UPDATE
     SET id = watchkeeper.uuid7(), account_name = excluded.account_name, principal_id = excluded.principal_id,
         token_id = excluded.token_id, role = excluded.role, scope = excluded.scope, linked_at = excluded.linked_at,
         used_at = NULL
  RETURNING id, project_id, channel, account, role
)
INSERT INTO watchkeeper.audit_events (project_id, event, actor, data)
SELECT project_id, 'chat_account_linked', 'principal:' || %(name)s::text,
       jsonb_build_object('link_id', id, 'channel', channel, 'account', account, 'role', role) FROM linked
RETURNING 1

-- name: list_chat_links
-- The linked accounts of a project's chats, of one principal where asked; whether each still counts.
SELECT l.id, l.channel, d.platform, l.account, l.account_name, p.name AS principal, l.role, l.scope, l.linked_at, l.used_at,
       l.token_id IS NULL OR (t.id IS NOT NULL AND t.revoked_at IS NULL
                              AND (t.expires_at IS NULL OR t.expires_at > (SELECT watchkeeper.now()))) AS counts
  FROM watchkeeper.chat_links l
  JOIN watchkeeper.principals p ON p.id = l.principal_id
  JOIN watchkeeper.chat_doors d ON d.project_id = l.project_id AND d.channel = l.channel
  LEFT JOIN watchkeeper.tokens t ON t.id = l.token_id
 WHERE l.project_id = %(project_id)s AND (%(principal_id)s::uuid IS NULL OR l.principal_id = %(principal_id)s::uuid)
 ORDER BY l.id LIMIT 500

-- name: unlink_chat_account
-- Ends a link: one of a project, of one principal where that is all that may be ended. No row where there is none.
WITH ended AS (
  DELETE FROM watchkeeper.chat_links
   WHERE project_id = %(project_id)s AND (id = %(id)s::uuid OR channel = %(channel)s::text AND account = %(account)s::text)
     AND (%(principal_id)s::uuid IS NULL OR principal_id = %(principal_id)s::uuid)
  RETURNING id, project_id, channel, account, principal_id
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, reason, data)
  SELECT e.project_id, 'chat_account_unlinked', %(actor)s, %(reason)s::text,
         jsonb_build_object('link_id', e.id, 'channel', e.channel, 'account', e.account, 'principal', p.name)
    FROM ended e LEFT JOIN watchkeeper.principals p ON p.id = e.principal_id
)
SELECT id FROM ended

-- name: chat_sender
-- Whose an account of a chat is, while the token that the link was made with lives.
UPDATE watchkeeper.chat_links l SET used_at = watchkeeper.now()
  FROM watchkeeper.principals p
 WHERE l.project_id = %(project_id)s AND l.channel = %(channel)s AND l.account = %(account)s::text AND p.id = l.principal_id
   AND (l.token_id IS NULL OR EXISTS (
         SELECT FROM watchkeeper.tokens t WHERE t.id = l.token_id AND t.revoked_at IS NULL
            AND (t.expires_at IS NULL OR t.expires_at > watchkeeper.now())))
RETURNING l.id AS link_id, l.principal_id, p.name, l.role, l.scope, l.token_id,
          (SELECT t.minted_by FROM watchkeeper.tokens t WHERE t.id = l.token_id) AS minted_by

-- name: chat_status
-- What a person asks for first, of one project or of all: each count up to 1,000.
SELECT (SELECT count(*) FROM (SELECT FROM watchkeeper.watchdog_incidents i
          WHERE i.state <> 'resolved' AND (%(project_id)s::text IS NULL OR i.project_id = %(project_id)s::text) LIMIT 1000) x
       ) AS incidents,
       (SELECT count(*) FROM (SELECT FROM watchkeeper.repair_actions r
          WHERE r.state = 'proposed' AND r.authority IN ('supervisor', 'owner')
            AND (%(project_id)s::text IS NULL OR r.project_id = %(project_id)s::text) LIMIT 1000) x) AS repairs,
       (SELECT count(*) FROM (SELECT FROM watchkeeper.held_jobs h
          WHERE h.state = 'stuck' AND (%(project_id)s::text IS NULL OR h.project_id = %(project_id)s::text) LIMIT 1000) x
       ) AS stuck,
       watchkeeper.now() AS now

-- name: question_open_to
-- The questions that a person has not answered; two at most, since one alone is certain.
SELECT id FROM watchkeeper.people_syncs
 WHERE project_id = %(project_id)s AND answered_at IS NULL AND lower(person) = lower(%(person)s) ORDER BY id DESC LIMIT 2
