-- name: create_login_code
-- Writes a one-time login code down, by its hash; codes that ran out more than a day ago go.
WITH forgotten AS (
  DELETE FROM watchkeeper.login_codes WHERE expires_at < (SELECT watchkeeper.now()) - interval '1 day'
), made AS (
  INSERT INTO watchkeeper.login_codes (code_hash, principal_id, token_id, role, project_id, expires_at)
  VALUES (%(code_hash)s, %(principal_id)s, %(token_id)s::uuid, %(role)s, %(project_id)s::text,
          watchkeeper.now() + make_interval(secs => %(lifetime_seconds)s::float8))
  RETURNING expires_at
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, reason, data)
  SELECT coalesce(%(project_id)s::text, 'system'), 'login_code_created', %(actor)s, %(reason)s::text,
         jsonb_build_object('token_id', %(token_id)s::uuid, 'role', %(role)s::text, 'expires_at', expires_at) FROM made
)
SELECT expires_at FROM made

-- name: consume_login_code
-- Exchanges a living code for a session, once; no row where the code is unknown, used or too old, or where the token that
-- asked for it lives no more.
WITH used AS (
  UPDATE watchkeeper.login_codes c SET used_at = watchkeeper.now()
   WHERE c.code_hash = %(code_hash)s AND c.used_at IS NULL AND c.expires_at > (SELECT watchkeeper.now())
     AND (c.token_id IS NULL
          OR EXISTS (SELECT FROM watchkeeper.tokens t
                      WHERE t.id = c.token_id AND t.revoked_at IS NULL
                        AND (t.expires_at IS NULL OR t.expires_at > (SELECT watchkeeper.now()))))
  RETURNING c.principal_id, c.token_id, c.role, c.project_id
), forgotten AS (
  DELETE FROM watchkeeper.console_sessions WHERE expires_at < (SELECT watchkeeper.now())
), opened AS (
  INSERT INTO watchkeeper.console_sessions (secret_hash, principal_id, token_id, role, project_id, expires_at)
  SELECT %(secret_hash)s, principal_id, token_id, role, project_id,
         watchkeeper.now() + make_interval(secs => %(lifetime_seconds)s::float8) FROM used
  RETURNING principal_id, token_id, role, project_id, expires_at
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, data)
  SELECT coalesce(o.project_id, 'system'), 'console_login', 'principal:' || p.name,
         jsonb_build_object('token_id', o.token_id, 'role', o.role, 'expires_at', o.expires_at)
    FROM opened o JOIN watchkeeper.principals p ON p.id = o.principal_id
)
SELECT expires_at FROM opened

-- name: find_console_session
-- The session of a hash with its principal, while it lives and is in use, and while the token that it began with lives.
SELECT s.principal_id, p.name, s.role, s.project_id, s.token_id, t.minted_by,
       s.last_seen_at < (SELECT watchkeeper.now()) - interval '1 minute' AS note_use
  FROM watchkeeper.console_sessions s
  JOIN watchkeeper.principals p ON p.id = s.principal_id
  LEFT JOIN watchkeeper.tokens t ON t.id = s.token_id
 WHERE s.secret_hash = %(secret_hash)s AND s.expires_at > (SELECT watchkeeper.now())
   AND (s.token_id IS NULL OR t.id IS NOT NULL AND t.revoked_at IS NULL
                              AND (t.expires_at IS NULL OR t.expires_at > (SELECT watchkeeper.now())))
   AND s.last_seen_at > (SELECT watchkeeper.now()) - make_interval(secs => %(idle_seconds)s::float8)

-- name: note_session_use
-- Keeps when a session was last used, to the minute.
UPDATE watchkeeper.console_sessions SET last_seen_at = watchkeeper.now() WHERE secret_hash = %(secret_hash)s

-- name: end_console_session
-- Ends a session at once; no row where there is none.
WITH ended AS (
  DELETE FROM watchkeeper.console_sessions WHERE secret_hash = %(secret_hash)s RETURNING principal_id, project_id
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor)
  SELECT coalesce(e.project_id, 'system'), 'console_logout', 'principal:' || p.name
    FROM ended e JOIN watchkeeper.principals p ON p.id = e.principal_id
)
SELECT principal_id FROM ended

-- name: console_sessions_of
-- The living sessions of a principal, the asking one first, then the last used; an id tells them apart and opens nothing.
SELECT left(encode(sha256(s.secret_hash), 'hex'), 16) AS id, s.role, s.project_id, s.created_at, s.last_seen_at, s.expires_at,
       s.secret_hash IS NOT DISTINCT FROM %(secret_hash)s::bytea AS is_this
  FROM watchkeeper.console_sessions s
 WHERE s.principal_id = %(principal_id)s AND s.expires_at > (SELECT watchkeeper.now())
   AND s.last_seen_at > (SELECT watchkeeper.now()) - make_interval(secs => %(idle_seconds)s::float8)
 ORDER BY is_this DESC, s.last_seen_at DESC LIMIT 200

-- name: end_own_session
-- Ends one of a principal's own sessions by its id; no row where there is none.
WITH ended AS (
  DELETE FROM watchkeeper.console_sessions
   WHERE principal_id = %(principal_id)s AND left(encode(sha256(secret_hash), 'hex'), 16) = %(id)s RETURNING project_id
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, reason, data)
  SELECT coalesce(project_id, 'system'), 'console_logout', %(actor)s, %(reason)s, jsonb_build_object('session', %(id)s::text)
    FROM ended
)
SELECT project_id FROM ended
