-- name: ensure_principal
-- Makes a principal where there is none of that name; no row where the name is that of another scope.
INSERT INTO watchkeeper.principals AS p (name, project_id, kind)
VALUES (%(name)s, %(project_id)s::text, coalesce(%(kind)s::text, %(usual_kind)s))
ON CONFLICT (name) DO UPDATE SET name = excluded.name WHERE p.project_id IS NOT DISTINCT FROM excluded.project_id
RETURNING id, kind

-- name: create_token
-- Writes a token down: its hash, never itself.
WITH made AS (
  INSERT INTO watchkeeper.tokens (principal_id, role, project_id, secret_hash, job_seq, job_epoch, minted_by, expires_at)
  VALUES (%(principal_id)s, %(role)s, %(project_id)s::text, %(secret_hash)s, %(job_seq)s::bigint, %(job_epoch)s::int,
          %(minted_by)s::uuid, watchkeeper.now() + make_interval(secs => %(lifetime_seconds)s::float8))
  RETURNING id, principal_id, expires_at
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, job_seq, epoch, reason, data)
  SELECT coalesce(%(project_id)s::text, 'system'), 'token_created', %(actor)s, %(job_seq)s::bigint, %(job_epoch)s::int,
         %(reason)s::text,
         jsonb_build_object('token_id', m.id, 'principal', p.name, 'role', %(role)s, 'expires_at', m.expires_at)
    FROM made m JOIN watchkeeper.principals p ON p.id = m.principal_id
)
SELECT id, expires_at FROM made

-- name: rotate_token
-- Gives a living token's principal, role, project and lifetime a new secret; the old one lives on for the overlap, and no
-- longer than it would have. No row where there is none. Who rotates another's token has minted the new one.
WITH old AS (
  SELECT t.* FROM watchkeeper.tokens t
   WHERE t.id = %(id)s::uuid AND t.job_seq IS NULL AND t.revoked_at IS NULL
     AND (t.expires_at IS NULL OR t.expires_at > (SELECT watchkeeper.now()))
     AND (%(project_id)s::text IS NULL OR t.project_id = %(project_id)s::text)
     FOR UPDATE
), ended AS (
  UPDATE watchkeeper.tokens t
     SET expires_at = least(t.expires_at, watchkeeper.now() + make_interval(secs => %(overlap_seconds)s::float8)),
         revoked_at = CASE WHEN %(overlap_seconds)s::float8 = 0 THEN watchkeeper.now() END
    FROM old WHERE t.id = old.id
  RETURNING t.id, t.expires_at
), made AS (
  INSERT INTO watchkeeper.tokens (principal_id, role, project_id, secret_hash, minted_by, replaces, expires_at)
  SELECT principal_id, role, project_id, %(secret_hash)s,
         CASE WHEN %(rotated_by)s::uuid = principal_id THEN minted_by ELSE coalesce(%(rotated_by)s::uuid, minted_by) END,
         id, watchkeeper.now() + (expires_at - created_at)
    FROM old
  RETURNING id, principal_id, role, project_id, replaces, expires_at
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, reason, data)
  SELECT coalesce(m.project_id, 'system'), 'token_rotated', %(actor)s, %(reason)s,
         jsonb_build_object('token_id', m.id, 'principal', p.name, 'role', m.role, 'expires_at', m.expires_at,
                            'replaces', m.replaces, 'old_ends_at', e.expires_at)
    FROM made m JOIN watchkeeper.principals p ON p.id = m.principal_id JOIN ended e ON e.id = m.replaces
)
SELECT m.id, p.name AS principal, m.role, m.project_id, m.replaces, m.expires_at, e.expires_at AS old_ends_at
  FROM made m JOIN watchkeeper.principals p ON p.id = m.principal_id JOIN ended e ON e.id = m.replaces

-- name: role_of_token
-- The role of a token that may be rotated, for its new secret's first letters.
SELECT role FROM watchkeeper.tokens
 WHERE id = %(id)s::uuid AND job_seq IS NULL AND (%(project_id)s::text IS NULL OR project_id = %(project_id)s::text)

-- name: find_token
-- The token of a hash with its principal, if it lives. A job token is found after its lease's end too: that is how a
-- repeated completion gets its answer; whatever it asks else, the lease refuses.
SELECT t.id, t.principal_id, p.name, p.kind AS principal_kind, t.role, t.project_id, t.minted_by, t.job_seq, t.job_epoch,
       s.id AS job_id, l.worker_id AS job_worker_id,
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
-- The tokens that people and workers hold, the oldest first, from a cursor on; job tokens come and go with their leases and
-- are left out.
SELECT t.id, p.name AS principal, substr(p.name, coalesce(length(p.project_id) + 2, 1)) AS name, p.kind, t.role, t.project_id,
       m.name AS minted_by, t.replaces, t.created_at, t.expires_at, t.last_used_at, t.revoked_at
  FROM watchkeeper.tokens t
  JOIN watchkeeper.principals p ON p.id = t.principal_id
  LEFT JOIN watchkeeper.principals m ON m.id = t.minted_by
 WHERE t.job_seq IS NULL AND (%(project_id)s::text IS NULL OR t.project_id = %(project_id)s::text)
   AND (%(after)s::uuid IS NULL OR t.id > %(after)s::uuid)
 ORDER BY t.id
 LIMIT %(limit)s

-- name: revoke_token
-- Ends a token at once; no row where it is unknown or already revoked.
WITH ended AS (
  UPDATE watchkeeper.tokens SET revoked_at = watchkeeper.now()
   WHERE id = %(id)s::uuid AND revoked_at IS NULL AND (%(project_id)s::text IS NULL OR project_id = %(project_id)s::text)
  RETURNING id, principal_id, project_id, role
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, reason, data)
  SELECT coalesce(e.project_id, 'system'), 'token_revoked', %(actor)s, %(reason)s,
         jsonb_build_object('token_id', e.id, 'principal', p.name, 'role', e.role)
    FROM ended e JOIN watchkeeper.principals p ON p.id = e.principal_id
)
SELECT id FROM ended

-- name: revoke_other_owners
-- Ends every other owner's token of the whole installation at once.
WITH ended AS (
  UPDATE watchkeeper.tokens SET revoked_at = watchkeeper.now()
   WHERE role = 'owner' AND project_id IS NULL AND revoked_at IS NULL AND id <> %(kept)s::uuid
  RETURNING id, principal_id, role
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, reason, data)
  SELECT 'system', 'token_revoked', %(actor)s, %(reason)s,
         jsonb_build_object('token_id', e.id, 'principal', p.name, 'role', e.role)
    FROM ended e JOIN watchkeeper.principals p ON p.id = e.principal_id
)
SELECT id FROM ended

-- name: record_refusals
-- Writes down what was refused at the door: a row for each kind of refusal, with how often it happened since the last.
INSERT INTO watchkeeper.audit_events (project_id, event, actor, data)
SELECT r.project_id, r.event, r.actor, jsonb_build_object('what', r.what, 'count', r.count)
  FROM unnest(%(projects)s::text[], %(events)s::text[], %(actors)s::text[], %(whats)s::text[], %(counts)s::int[])
       AS r(project_id, event, actor, what, count)

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
