-- name: lock_limited_kinds
-- Serialises the claims of kinds that have a concurrency limit, before the claim counts their leases.
SELECT kind FROM watchkeeper.job_kinds
 WHERE project_id = %(project_id)s AND concurrency IS NOT NULL
   AND (%(kinds)s::text[] IS NULL OR kind = ANY (%(kinds)s::text[]))
 ORDER BY kind
   FOR NO KEY UPDATE

-- name: claim
-- Takes the next jobs of the given kinds (NULL: of any): ready rows become leases with a new epoch and a new secret.
WITH clock AS MATERIALIZED (
  SELECT watchkeeper.now() AS now
), open_kinds AS (
  SELECT k.kind, k.contract, k.hard_cap_minutes, k.progress_deadline_minutes, k.tool_limit_minutes,
         coalesce(k.lease_seconds, CASE coalesce(k.lease, %(profile)s) WHEN 'session' THEN %(session_seconds)s::int
                                   ELSE %(runtime_seconds)s::int END) AS lease_seconds,
         CASE WHEN k.concurrency IS NULL THEN %(limit)s::int
              ELSE greatest(0, k.concurrency - (SELECT count(*) FROM watchkeeper.leases l
                                                 WHERE l.project_id = %(project_id)s AND l.kind = k.kind)) END AS free
    FROM watchkeeper.job_kinds k
    JOIN watchkeeper.projects p ON p.project_id = k.project_id AND p.paused_at IS NULL
   WHERE k.project_id = %(project_id)s AND k.paused_at IS NULL
     AND (%(kinds)s::text[] IS NULL OR k.kind = ANY (%(kinds)s::text[]))
     AND EXISTS (SELECT FROM watchkeeper.switches w WHERE w.name = 'claims' AND w.is_on)
     AND NOT EXISTS (SELECT FROM watchkeeper.workers w
                      WHERE w.project_id = %(project_id)s AND w.worker_id = %(worker_id)s
                        AND (w.stopped_at IS NOT NULL OR w.draining
                             OR EXISTS (SELECT FROM watchkeeper.pool_parks q
                                         WHERE q.project_id = w.project_id AND q.pool = w.pool
                                           AND q.until > (SELECT now FROM clock))))
), picked AS MATERIALIZED (
  SELECT r.tid
    FROM open_kinds k
   CROSS JOIN LATERAL (
     SELECT r.ctid AS tid, r.priority, r.seq
       FROM watchkeeper.ready_jobs r
      WHERE r.project_id = %(project_id)s AND r.kind = k.kind
      ORDER BY r.priority DESC, r.seq
      LIMIT least(k.free, %(limit)s::int)
        FOR UPDATE SKIP LOCKED) r
   ORDER BY r.priority DESC, r.seq
   LIMIT %(limit)s::int
), taken AS (
  DELETE FROM watchkeeper.ready_jobs WHERE ctid = ANY (ARRAY(SELECT tid FROM picked))
  RETURNING kind, priority, seq, epoch + 1 AS epoch, agent_errors, lost_leases
), batch AS MATERIALIZED (
  -- 244 random bits a claim; each lease's secret is their hash with its job, which tells nothing of another's.
  SELECT uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) AS key
), minted AS MATERIALIZED (
  SELECT s.*, sha256(s.secret::bytea) AS token_hash
    FROM (
  SELECT t.*, k.lease_seconds, k.contract, k.hard_cap_minutes, k.progress_deadline_minutes, k.tool_limit_minutes,
         clock.now, encode(substr(sha256(batch.key || int8send(t.seq)), 1, 18), 'hex') AS secret
    FROM taken t JOIN open_kinds k ON k.kind = t.kind CROSS JOIN clock CROSS JOIN batch) s
), leased AS (
  INSERT INTO watchkeeper.leases (project_id, seq, kind, priority, epoch, agent_errors, lost_leases, worker_id,
                                  token_hash, profile, lease_seconds, claimed_at, renewed_at, expires_at)
  SELECT %(project_id)s, seq, kind, priority, epoch, agent_errors, lost_leases, %(worker_id)s,
         token_hash, %(profile)s, lease_seconds, now, now, now + make_interval(secs => lease_seconds)
    FROM minted
), audited AS (
  INSERT INTO watchkeeper.audit_events (at, project_id, event, actor, job_seq, epoch, old_state, new_state)
  SELECT now, %(project_id)s, 'job_claimed', %(actor)s, seq, epoch, 'pending', 'running' FROM minted
)
SELECT m.seq, s.id::text AS id, m.kind, %(project_id)s::text AS project_id, s.payload::text AS payload,
       coalesce(s.contract, m.contract) AS contract, m.epoch, m.secret, m.token_hash, m.lease_seconds,
       m.now + make_interval(secs => m.lease_seconds) AS expires_at, s.external_id, s.deliverable_id, s.is_shadow,
       m.hard_cap_minutes, m.progress_deadline_minutes, m.tool_limit_minutes
  FROM minted m
 CROSS JOIN LATERAL (SELECT j.id, j.payload, j.contract, j.external_id, j.deliverable_id, j.is_shadow
                       FROM watchkeeper.job_specs j
                      WHERE j.project_id = %(project_id)s AND j.seq = m.seq LIMIT 1) s
 ORDER BY m.priority DESC, m.seq

-- Leases are matched by arrays that are sorted by seq: width_bucket() finds a lease's place in them by binary search;
-- the hashes of their tokens come as one string of 32 bytes each.
-- A join with unnest() would be left to a planner that takes the lease table for empty, and pairs each with each.
