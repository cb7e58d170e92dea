-- name: few_waiting
-- Whether a project has so few claimable jobs that all of them can be put in order for a reader.
SELECT count(*) <= %(few)s AS few
  FROM (SELECT FROM watchkeeper.ready_jobs WHERE project_id = %(project_id)s LIMIT %(few)s + 1) n

-- name: list_waiting_jobs
-- The pending jobs, the newest first, from a cursor on: found among those that wait, however many have ended.
SELECT j.id, j.seq, j.kind, j.state, j.state_reason, j.code, j.verified, j.summary, j.priority, j.epoch, j.worker_id, j.phase,
       j.run_at, j.created_at, j.started_at, j.state_since, j.finished_at, j.lease_expires_at, j.external_id, j.is_shadow,
       j.secret_suspected, j.retry_of
  FROM (SELECT w.seq FROM (
          SELECT seq, kind FROM watchkeeper.ready_jobs WHERE project_id = %(project_id)s
          UNION ALL
          SELECT seq, kind FROM watchkeeper.scheduled_jobs WHERE project_id = %(project_id)s
          UNION ALL
          SELECT seq, kind FROM watchkeeper.mirrored_jobs WHERE project_id = %(project_id)s AND state = 'pending') w
         WHERE (%(before)s::bigint IS NULL OR w.seq < %(before)s::bigint)
           AND (%(kind)s::text IS NULL OR w.kind = %(kind)s::text)
         ORDER BY w.seq DESC LIMIT %(limit)s) w
 CROSS JOIN LATERAL (SELECT * FROM watchkeeper.jobs v WHERE v.project_id = %(project_id)s AND v.seq = w.seq LIMIT 1) j
 ORDER BY j.seq DESC
