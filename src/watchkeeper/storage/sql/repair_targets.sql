-- name: look_at_job
-- A job as a plan is made on it, wherever it stands; the row that it stands in is locked.
WITH spec AS MATERIALIZED (
  SELECT s.project_id, s.seq, s.id, s.kind, s.priority, s.origin FROM watchkeeper.job_specs s
   WHERE s.project_id = %(project_id)s AND s.id = %(id)s::uuid
), lease AS MATERIALIZED (
  SELECT l.* FROM watchkeeper.leases l JOIN spec USING (project_id, seq) FOR UPDATE OF l
), ready AS MATERIALIZED (
  SELECT r.* FROM watchkeeper.ready_jobs r
    JOIN spec s ON r.project_id = s.project_id AND r.kind = s.kind AND r.priority = s.priority AND r.seq = s.seq
     FOR UPDATE OF r
), scheduled AS MATERIALIZED (
  SELECT d.* FROM watchkeeper.scheduled_jobs d JOIN spec USING (project_id, seq) FOR UPDATE OF d
), held AS MATERIALIZED (
  SELECT h.* FROM watchkeeper.held_jobs h JOIN spec USING (project_id, seq) FOR UPDATE OF h
), mirrored AS MATERIALIZED (
  SELECT m.* FROM watchkeeper.mirrored_jobs m JOIN spec USING (project_id, seq) FOR UPDATE OF m
)
SELECT s.id, s.seq, s.kind, s.origin,
       CASE WHEN l.seq IS NOT NULL THEN 'running' WHEN h.seq IS NOT NULL THEN h.state WHEN o.seq IS NOT NULL THEN o.state
            WHEN r.seq IS NOT NULL OR d.seq IS NOT NULL THEN 'pending' ELSE m.state END AS state,
       coalesce(h.state_reason, o.state_reason, m.state_reason) AS state_reason,
       coalesce(l.epoch, h.epoch, r.epoch, d.epoch, o.epoch, m.epoch) AS epoch,
       coalesce(l.agent_errors, h.agent_errors, r.agent_errors, d.agent_errors) AS agent_errors,
       coalesce(l.lost_leases, h.lost_leases, r.lost_leases, d.lost_leases) AS lost_leases,
       coalesce(l.worker_id, f.worker_id) AS worker_id, l.profile, l.lease_seconds, l.token_hash, l.expires_at,
       CASE WHEN l.seq IS NULL THEN NULL WHEN l.expires_at < watchkeeper.now() THEN 'expired' ELSE 'live' END AS lease,
       r.ready_at, d.run_at, h.held_by, h.held_at, h.detail AS hold_detail,
       coalesce(k.on_lost, 'hold') AS on_lost, coalesce(k.max_attempts, 3) AS max_attempts,
       coalesce(k.max_lost_leases, 3) AS max_lost_leases,
       coalesce((SELECT w.pool FROM watchkeeper.workers w
                  WHERE w.project_id = s.project_id AND w.worker_id = coalesce(l.worker_id, f.worker_id)), 'default') AS pool
  FROM spec s
  LEFT JOIN lease l ON true LEFT JOIN ready r ON true LEFT JOIN scheduled d ON true LEFT JOIN held h ON true
  LEFT JOIN mirrored m ON true
  LEFT JOIN watchkeeper.foreign_leases f ON f.project_id = m.project_id AND f.seq = m.seq AND f.ended_at IS NULL
  LEFT JOIN watchkeeper.job_outcomes o ON o.project_id = s.project_id AND o.seq = s.seq
  LEFT JOIN watchkeeper.job_kinds k ON k.project_id = s.project_id AND k.kind = s.kind
