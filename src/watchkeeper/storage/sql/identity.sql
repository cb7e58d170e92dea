-- name: ensure_principal
-- Makes a principal where there is none of that name.
INSERT INTO watchkeeper.principals (name, kind) VALUES (%(name)s, %(kind)s)
ON CONFLICT (name) DO UPDATE SET name = excluded.name
RETURNING id

-- name: create_token
-- Writes a token down: its hash, never itself.
WITH made AS (
  INSERT INTO watchkeeper.tokens (principal_id, role, project_id, secret_hash, job_seq, job_epoch, minted_by, expires_at)
  VALUES (%(principal_id)s, %(role)s, %(project_id)s::text, %(secret_hash)s, %(job_seq)s::bigint, %(job_epoch)s::int,
          %(minted_by)s::uuid, watchkeeper.now() + make_interval(secs => %(lifetime_seconds)s::float8))
  RETURNING id, expires_at
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, job_seq, epoch, data)
  SELECT coalesce(%(project_id)s::text, 'system'), 'token_created', %(actor)s, %(job_seq)s::bigint, %(job_epoch)s::int,
         jsonb_build_object('token_id', id, 'role', %(role)s, 'expires_at', expires_at) FROM made
)
SELECT id, expires_at FROM made

-- name: find_token
-- The token of a hash with its principal, if it lives. A job token is found after its lease's end too: that is how a
-- repeated completion gets its answer; whatever it asks else, the lease refuses.
SELECT t.id, t.principal_id, p.name, p.kind AS principal_kind, t.role, t.project_id, t.job_seq, t.job_epoch, s.id AS job_id,
       l.worker_id AS job_worker_id,
       t.last_used_at IS NULL OR t.last_used_at < (SELECT watchkeeper.now()) - interval '1 minute' AS note_use
  FROM watchkeeper.tokens t
  JOIN watchkeeper.principals p ON p.id = t.principal_id
  LEFT JOIN watchkeeper.leases l ON l.project_id = t.project_id AND l.seq = t.job_seq AND l.epoch = t.job_epoch
  LEFT JOIN watchkeeper.job_specs s ON s.project_id = t.project_id AND s.seq = t.job_seq
 WHERE t.secret_hash = %(secret_hash)s AND t.revoked_at IS NULL
   AND (t.expires_at IS NULL OR t.expires_at > (SELECT watchkeeper.now()))

-- name: note_token_use
-- Keeps when a token was last used, to the minute.
UPDATE watchkeeper.tokens SET last_used_at = watchkeeper.now() WHERE id = %(id)s

-- name: list_tokens
-- The tokens that people and workers hold; job tokens come and go with their leases and are left out.
SELECT t.id, p.name, t.role, t.project_id, t.created_at, t.expires_at, t.last_used_at, t.revoked_at
  FROM watchkeeper.tokens t JOIN watchkeeper.principals p ON p.id = t.principal_id
 WHERE t.job_seq IS NULL AND (%(project_id)s::text IS NULL OR t.project_id = %(project_id)s::text)
 ORDER BY t.created_at, t.id

-- name: revoke_token
-- Ends a token at once; no row where it is unknown or already revoked.
WITH ended AS (
  UPDATE watchkeeper.tokens SET revoked_at = watchkeeper.now()
   WHERE id = %(id)s::uuid AND revoked_at IS NULL AND (%(project_id)s::text IS NULL OR project_id = %(project_id)s::text)
  RETURNING id, project_id, role
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, reason, data)
  SELECT coalesce(project_id, 'system'), 'token_revoked', %(actor)s, %(reason)s, jsonb_build_object('token_id', id, 'role', role)
    FROM ended
)
SELECT id FROM ended

-- name: begin_idempotent
-- Takes an idempotency key; no row where it is taken. A process that died in the same request leaves it to the next.
INSERT INTO watchkeeper.idempotency_records AS r (project_id, principal_id, route, key, request_hash, created_at)
VALUES (%(project_id)s, %(principal_id)s, %(route)s, %(key)s, %(request_hash)s, watchkeeper.now())
ON CONFLICT (project_id, principal_id, route, key) DO UPDATE SET created_at = excluded.created_at
 WHERE r.status IS NULL AND r.request_hash = excluded.request_hash AND r.created_at < excluded.created_at - interval '15 minutes'
RETURNING key

-- name: idempotent_answer
-- What stands under an idempotency key.
SELECT request_hash, status, answer FROM watchkeeper.idempotency_records
 WHERE project_id = %(project_id)s AND principal_id = %(principal_id)s AND route = %(route)s AND key = %(key)s

-- name: keep_idempotent_answer
-- Keeps the answer under its key.
UPDATE watchkeeper.idempotency_records SET status = %(status)s, answer = %(answer)s::text::jsonb
 WHERE project_id = %(project_id)s AND principal_id = %(principal_id)s AND route = %(route)s AND key = %(key)s

-- name: drop_idempotent
-- Gives a key back whose request came to no answer.
DELETE FROM watchkeeper.idempotency_records
 WHERE project_id = %(project_id)s AND principal_id = %(principal_id)s AND route = %(route)s AND key = %(key)s AND status IS NULL
