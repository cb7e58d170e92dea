-- name: renew
-- Renews leases by their tokens; a row for each that was still held, with the wishes for its holder.
UPDATE watchkeeper.leases l
   SET renewed_at = clock.now, expires_at = clock.now + make_interval(secs => l.lease_seconds)
  FROM (SELECT watchkeeper.now() AS now) clock
 WHERE l.project_id = %(project_id)s AND l.seq = ANY (%(seqs)s::bigint[])
   AND l.epoch = (%(epochs)s::int[])[width_bucket(l.seq, %(seqs)s::bigint[])]
   AND l.token_hash = substr(%(token_hashes)s::bytea, width_bucket(l.seq, %(seqs)s::bigint[]) * 32 - 31, 32)
RETURNING l.seq, l.expires_at, l.cancel_requested_at IS NOT NULL AS cancel_requested,
          extract(epoch FROM clock.now - coalesce(l.progress_at, l.claimed_at))::float8 AS progress_age_seconds

-- name: use_lease
-- Marks a lease as used, renews it, and keeps phase and progress; no row for a lease that is not held.
UPDATE watchkeeper.leases l
   SET renewed_at = clock.now, expires_at = clock.now + make_interval(secs => l.lease_seconds),
       used_at = coalesce(l.used_at, clock.now),
       progress_at = CASE WHEN %(progressed)s THEN clock.now ELSE l.progress_at END,
       phase = coalesce(%(phase)s, l.phase)
  FROM (SELECT watchkeeper.now() AS now) clock
 WHERE l.project_id = %(project_id)s AND l.seq = %(seq)s AND l.epoch = %(epoch)s AND l.token_hash = %(token_hash)s
RETURNING l.seq, l.kind, l.epoch, l.worker_id, l.expires_at, l.lease_seconds, l.cancel_requested_at IS NOT NULL AS cancel_requested

-- name: use_lease_of_job_token
-- The same for a job token, which is bound to the epoch and needs no lease token.
UPDATE watchkeeper.leases l
   SET renewed_at = clock.now, expires_at = clock.now + make_interval(secs => l.lease_seconds),
       used_at = coalesce(l.used_at, clock.now),
       progress_at = CASE WHEN %(progressed)s THEN clock.now ELSE l.progress_at END,
       phase = coalesce(%(phase)s, l.phase)
  FROM (SELECT watchkeeper.now() AS now) clock
 WHERE l.project_id = %(project_id)s AND l.seq = %(seq)s AND l.epoch = %(epoch)s
RETURNING l.seq, l.kind, l.epoch, l.worker_id, l.token_hash, l.expires_at, l.lease_seconds,
          l.cancel_requested_at IS NOT NULL AS cancel_requested

-- name: session_leases
-- What a contract worker holds, for redelivery and for the one-job rule.
SELECT l.seq, s.id::text AS id, l.kind, l.project_id, s.payload::text AS payload_text,
       coalesce(s.contract, k.contract) AS contract, l.epoch, l.lease_seconds, l.expires_at AS lease_expires_at,
       s.external_id, s.deliverable_id, s.is_shadow, k.hard_cap_minutes, k.progress_deadline_minutes, k.tool_limit_minutes,
       l.used_at IS NOT NULL AS used
  FROM watchkeeper.leases l
  JOIN watchkeeper.job_specs s ON s.project_id = l.project_id AND s.seq = l.seq
  LEFT JOIN watchkeeper.job_kinds k ON k.project_id = l.project_id AND k.kind = l.kind
 WHERE l.project_id = %(project_id)s AND l.worker_id = %(worker_id)s AND l.profile = 'session'
 ORDER BY l.seq
   FOR UPDATE OF l

-- name: unknown_leases
-- Unused leases of a runtime worker that it does not know of: the answers that carried them were lost.
SELECT l.seq, s.id::text AS id, l.kind, l.project_id, s.payload::text AS payload_text,
       coalesce(s.contract, k.contract) AS contract, l.epoch, l.lease_seconds, l.expires_at AS lease_expires_at,
       s.external_id, s.deliverable_id, s.is_shadow, k.hard_cap_minutes, k.progress_deadline_minutes, k.tool_limit_minutes
  FROM watchkeeper.leases l
  JOIN watchkeeper.job_specs s ON s.project_id = l.project_id AND s.seq = l.seq
  LEFT JOIN watchkeeper.job_kinds k ON k.project_id = l.project_id AND k.kind = l.kind
 WHERE l.project_id = %(project_id)s AND l.worker_id = %(worker_id)s AND l.profile = 'runtime' AND l.used_at IS NULL
   AND s.id <> ALL (%(held)s::uuid[])
 ORDER BY l.seq LIMIT %(limit)s
   FOR UPDATE OF l

-- name: redeliver
-- Hands an unused lease out again under a new secret: the answer that carried the first may have been lost.
WITH again AS (
  UPDATE watchkeeper.leases l
     SET token_hash = %(token_hash)s, renewed_at = clock.now,
         expires_at = clock.now + make_interval(secs => l.lease_seconds)
    FROM (SELECT watchkeeper.now() AS now) clock
   WHERE l.project_id = %(project_id)s AND l.seq = %(seq)s AND l.epoch = %(epoch)s AND l.used_at IS NULL
  RETURNING l.seq, l.epoch, l.expires_at
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, job_seq, epoch, old_state, new_state)
  SELECT %(project_id)s, 'lease_redelivered', %(actor)s, seq, epoch, 'running', 'running' FROM again
)
SELECT expires_at FROM again

-- name: lock_held_leases
-- Locks leases by their tokens and gives what decides where their jobs go when the attempt ends.
SELECT l.seq, l.epoch, l.token_hash, l.kind, l.agent_errors, l.lost_leases, l.cancel_requested_at IS NOT NULL AS cancel_requested,
       coalesce(k.on_lost, 'hold') AS on_lost, coalesce(k.max_attempts, 3) AS max_attempts,
       coalesce(k.max_lost_leases, 3) AS max_lost_leases,
       (SELECT count(*) FROM watchkeeper.closed_attempts a
         WHERE a.project_id = l.project_id AND a.seq = l.seq AND a.cause = 'gate') AS gate_failures
  FROM watchkeeper.leases l
  LEFT JOIN watchkeeper.job_kinds k ON k.project_id = l.project_id AND k.kind = l.kind
 WHERE l.project_id = %(project_id)s AND l.seq = ANY (%(seqs)s::bigint[])
   AND l.epoch = (%(epochs)s::int[])[width_bucket(l.seq, %(seqs)s::bigint[])]
   AND l.token_hash = substr(%(token_hashes)s::bytea, width_bucket(l.seq, %(seqs)s::bigint[]) * 32 - 31, 32)
   FOR UPDATE OF l

-- name: lock_lease_of_job
-- Locks the lease of one job, whoever holds it: for an operator's act.
SELECT l.seq, l.epoch, l.token_hash, l.kind, l.worker_id, l.agent_errors, l.lost_leases,
       coalesce(k.on_lost, 'hold') AS on_lost, coalesce(k.max_attempts, 3) AS max_attempts,
       coalesce(k.max_lost_leases, 3) AS max_lost_leases
  FROM watchkeeper.leases l
  LEFT JOIN watchkeeper.job_kinds k ON k.project_id = l.project_id AND k.kind = l.kind
 WHERE l.project_id = %(project_id)s AND l.seq = %(seq)s
   FOR UPDATE OF l
