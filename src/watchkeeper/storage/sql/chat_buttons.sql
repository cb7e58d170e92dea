-- name: make_chat_button
-- Keeps what a button is for, under the hash of its token.
INSERT INTO watchkeeper.chat_buttons (token_hash, project_id, channel_project, channel, act, alert_id, incident_id, repair_id,
                                      plan_digest, link_id, created_at, expires_at)
VALUES (%(token_hash)s, %(project_id)s, %(channel_project)s, %(channel)s, %(act)s, %(alert_id)s::uuid, %(incident_id)s::uuid,
        %(repair_id)s::uuid, %(plan_digest)s::text, %(link_id)s::uuid, watchkeeper.now(),
        watchkeeper.now() + make_interval(secs => %(seconds)s::float8))

-- name: lock_chat_button
-- The button of a token that was pressed in a channel's chat, for the one who presses first.
SELECT b.*, b.expires_at <= watchkeeper.now() AS is_over FROM watchkeeper.chat_buttons b
 WHERE b.token_hash = %(token_hash)s AND b.channel_project = %(channel_project)s AND b.channel = %(channel)s
   FOR UPDATE

-- name: use_chat_button
-- Uses a button up, and says so in the trail.
WITH used AS (
  UPDATE watchkeeper.chat_buttons SET used_at = watchkeeper.now(), used_by = %(actor)s
   WHERE token_hash = %(token_hash)s AND used_at IS NULL
  RETURNING project_id, act, channel, alert_id, incident_id, repair_id, plan_digest
)
INSERT INTO watchkeeper.audit_events (project_id, event, actor, data)
SELECT project_id, 'chat_button_pressed', %(actor)s,
       jsonb_strip_nulls(jsonb_build_object('act', act, 'channel', channel, 'account', %(account)s::text, 'alert_id', alert_id,
                                            'incident_id', incident_id, 'repair_id', repair_id, 'plan_digest', plan_digest))
  FROM used
RETURNING 1

-- name: asked_about
-- How it stands with what a button or a card is about: its incident and its repair.
SELECT i.id AS incident_id, i.rule, i.state AS incident_state, i.acknowledged_by, i.acknowledged_until, i.resolved_by,
       r.id AS repair_id, r.action, r.state AS repair_state, r.plan, r.plan_digest, r.job_id, r.worker_id, r.kind, r.note,
       (SELECT s.actor FROM watchkeeper.approvals s WHERE s.project_id = r.project_id AND s.repair_id = r.id
           AND s.withdrawn_at IS NULL ORDER BY s.id DESC LIMIT 1) AS decided_by
  FROM (VALUES (%(project_id)s::text, %(incident_id)s::uuid, %(repair_id)s::uuid)) a (project_id, incident_id, repair_id)
  LEFT JOIN watchkeeper.watchdog_incidents i ON i.project_id = a.project_id AND i.id = a.incident_id
  LEFT JOIN watchkeeper.repair_actions r ON r.project_id = a.project_id AND r.id = a.repair_id

-- name: repairs_awaiting_word
-- The repairs of an incident that wait for a person's word; two at most, since one alone is certain.
SELECT id, plan_digest FROM watchkeeper.repair_actions
 WHERE project_id = %(project_id)s AND incident_id = %(incident_id)s AND state = 'proposed'
   AND authority IN ('supervisor', 'owner') AND plan ->> 'authority' IS NOT NULL
 ORDER BY id DESC LIMIT 2

-- name: link_of_account
-- The link of an account that a channel's messages go to by themselves.
SELECT id FROM watchkeeper.chat_links
 WHERE project_id = %(project_id)s AND channel = %(channel)s AND account = %(account)s

-- name: forget_chat_events
-- Deletes what was told in chats and handled long ago.
WITH gone AS (
  DELETE FROM watchkeeper.chat_events WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM watchkeeper.chat_events
     WHERE handled_at < (SELECT watchkeeper.now()) - %(days)s::float8 * interval '1 day'
     LIMIT %(limit)s FOR UPDATE SKIP LOCKED)) RETURNING 1
)
SELECT count(*) AS gone FROM gone

-- name: forget_chat_codes
-- Deletes codes for linking accounts that ran out.
WITH gone AS (
  DELETE FROM watchkeeper.chat_codes WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM watchkeeper.chat_codes
     WHERE expires_at < (SELECT watchkeeper.now()) - %(days)s::float8 * interval '1 day'
     LIMIT %(limit)s FOR UPDATE SKIP LOCKED)) RETURNING 1
)
SELECT count(*) AS gone FROM gone

-- name: forget_chat_buttons
-- Deletes buttons that ran out long ago; until then a press is told what became of it.
WITH gone AS (
  DELETE FROM watchkeeper.chat_buttons WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM watchkeeper.chat_buttons
     WHERE expires_at < (SELECT watchkeeper.now()) - %(days)s::float8 * interval '1 day'
     LIMIT %(limit)s FOR UPDATE SKIP LOCKED)) RETURNING 1
)
SELECT count(*) AS gone FROM gone
