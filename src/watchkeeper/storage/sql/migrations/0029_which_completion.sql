-- Which artifacts a completion named, and since when a job waits for another try.

-- A hash of what was claimed: the checks of one completion are no answer to another. NULL for rows of before.
ALTER TABLE watchkeeper.artifact_checks ADD COLUMN IF NOT EXISTS claimed_hash text;

-- A job in back-off is pending since its last attempt ended.
CREATE OR REPLACE VIEW watchkeeper.jobs AS
SELECT s.project_id, s.id, s.seq, s.kind, s.payload, s.contract, s.priority, s.unique_key, s.external_id, s.origin,
       s.deliverable_id, s.is_shadow, s.secret_suspected, s.retry_of, s.enqueued_by, s.created_at,
       CASE WHEN l.seq IS NOT NULL THEN 'running' WHEN o.seq IS NOT NULL THEN o.state
            WHEN h.seq IS NOT NULL THEN h.state WHEN m.seq IS NOT NULL THEN m.state ELSE 'pending' END AS state,
       coalesce(o.state_reason, h.state_reason, m.state_reason) AS state_reason,
       o.code, o.verified, o.summary,
       coalesce(l.epoch, o.epoch, h.epoch, d.epoch, r.epoch, m.epoch) AS epoch,
       coalesce(l.agent_errors, h.agent_errors, d.agent_errors, r.agent_errors) AS agent_errors,
       coalesce(l.lost_leases, h.lost_leases, d.lost_leases, r.lost_leases) AS lost_leases,
       coalesce(d.run_at, r.ready_at) AS run_at,
       coalesce(l.worker_id, f.worker_id) AS worker_id, coalesce(l.phase, f.phase) AS phase,
       coalesce(l.claimed_at, f.claimed_at) AS started_at,
       coalesce(l.expires_at, f.lease_expires_at) AS lease_expires_at,
       coalesce(o.finished_at, h.held_at, l.claimed_at, r.ready_at, m.state_since,
                CASE WHEN d.seq IS NOT NULL
                     THEN (SELECT a.ended_at FROM watchkeeper.closed_attempts a
                            WHERE a.project_id = d.project_id AND a.seq = d.seq ORDER BY a.epoch DESC LIMIT 1) END,
                s.created_at) AS state_since,
       o.finished_at, coalesce(h.detail, m.detail) AS hold_detail
  FROM watchkeeper.job_specs s
  LEFT JOIN watchkeeper.leases l ON l.project_id = s.project_id AND l.seq = s.seq
  LEFT JOIN watchkeeper.job_outcomes o ON o.project_id = s.project_id AND o.seq = s.seq
  LEFT JOIN watchkeeper.held_jobs h ON h.project_id = s.project_id AND h.seq = s.seq
  LEFT JOIN watchkeeper.scheduled_jobs d ON d.project_id = s.project_id AND d.seq = s.seq
  LEFT JOIN watchkeeper.ready_jobs r
    ON r.project_id = s.project_id AND r.kind = s.kind AND r.priority = s.priority AND r.seq = s.seq
  LEFT JOIN watchkeeper.mirrored_jobs m ON m.project_id = s.project_id AND m.seq = s.seq
  LEFT JOIN watchkeeper.foreign_leases f ON f.project_id = m.project_id AND f.seq = m.seq AND f.ended_at IS NULL;
