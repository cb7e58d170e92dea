-- name: version_of_job
-- A word for where a job stands: its state, the attempt, and since when.
SELECT to_hex(hashtextextended((j.state, j.state_reason, j.epoch, j.state_since, j.run_at)::text, 0)) AS version
  FROM watchkeeper.jobs j WHERE j.project_id = %(project_id)s AND j.seq = %(seq)s

-- name: lock_job_version
-- Keeps a job where it stands until the transaction ends: whoever moves it changes one of these rows.
WITH leased AS (
  SELECT l.seq FROM watchkeeper.leases l WHERE l.project_id = %(project_id)s AND l.seq = %(seq)s FOR UPDATE
), held AS (
  SELECT h.seq FROM watchkeeper.held_jobs h WHERE h.project_id = %(project_id)s AND h.seq = %(seq)s FOR UPDATE
), scheduled AS (
  SELECT d.seq FROM watchkeeper.scheduled_jobs d WHERE d.project_id = %(project_id)s AND d.seq = %(seq)s FOR UPDATE
), ready AS (
  SELECT r.seq FROM watchkeeper.ready_jobs r
    JOIN watchkeeper.job_specs s ON s.project_id = r.project_id AND s.kind = r.kind AND s.priority = r.priority
     AND s.seq = r.seq
   WHERE s.project_id = %(project_id)s AND s.seq = %(seq)s FOR UPDATE OF r
)
SELECT seq FROM leased UNION ALL SELECT seq FROM held UNION ALL SELECT seq FROM scheduled UNION ALL SELECT seq FROM ready

-- name: version_of_incident
-- A word for where an incident stands; that it is seen once more is no new version.
SELECT to_hex(hashtextextended((i.state, i.severity, i.cause_id, i.acknowledged_at, i.acknowledged_until,
                                i.quiet_until, i.resolved_at)::text, 0)) AS version
  FROM watchkeeper.watchdog_incidents i WHERE i.project_id = %(project_id)s AND i.id = %(id)s

-- name: lock_incident_version
-- Keeps an incident as it is until the transaction ends.
SELECT id FROM watchkeeper.watchdog_incidents WHERE project_id = %(project_id)s AND id = %(id)s FOR UPDATE

-- name: version_of_repair
-- A word for where a repair stands, with its plan.
SELECT to_hex(hashtextextended((r.state, r.result, r.plan_digest, r.attempted_at, r.ended_at, r.undone_at)::text, 0))
         AS version
  FROM watchkeeper.repair_actions r WHERE r.project_id = %(project_id)s AND r.id = %(id)s

-- name: lock_repair_version
-- Keeps a repair as it is until the transaction ends.
SELECT id FROM watchkeeper.repair_actions WHERE project_id = %(project_id)s AND id = %(id)s FOR UPDATE

-- name: version_of_lesson
-- A word for where a lesson stands, with what it says.
SELECT to_hex(hashtextextended((l.digest, l.published_at, l.retired_at, l.confirmed, l.refuted)::text, 0)) AS version
  FROM watchkeeper.lessons l WHERE l.project_id = %(project_id)s AND l.id = %(id)s

-- name: lock_lesson_version
-- Keeps a lesson as it is until the transaction ends.
SELECT id FROM watchkeeper.lessons WHERE project_id = %(project_id)s AND id = %(id)s FOR UPDATE

-- name: version_of_proposal
-- A word for where a proposal stands; that it is made once more is no new version.
SELECT to_hex(hashtextextended((p.adoption_status, p.decided_at, p.undone_at, p.recommendation)::text, 0)) AS version
  FROM watchkeeper.proposals p WHERE p.project_id = %(project_id)s AND p.id = %(id)s

-- name: lock_proposal_version
-- Keeps a proposal as it is until the transaction ends.
SELECT id FROM watchkeeper.proposals WHERE project_id = %(project_id)s AND id = %(id)s FOR UPDATE
