-- name: attempts_standing
-- Say of attempts whose marks a scan of a host saw whether they live, and for how many seconds the others have ended.
SELECT a.project_id AS project, s.id AS job, a.epoch AS number, bool_or(a.outcome = 'running') AS is_live,
       extract(epoch FROM watchkeeper.now() - max(a.ended_at))::float8 AS ended_ago
  FROM unnest(%(projects)s::text[], %(jobs)s::uuid[], %(numbers)s::integer[]) AS asked (project, job, number)
  JOIN watchkeeper.job_specs s ON s.project_id = asked.project AND s.id = asked.job
  JOIN watchkeeper.job_attempts a ON a.project_id = s.project_id AND a.seq = s.seq AND a.epoch = asked.number
 GROUP BY a.project_id, s.id, a.epoch

-- name: spawned_on_boot
-- Give the processes that the last sessions of one boot of one machine were started with, by a supervisor's word.
SELECT e.pid_ns, e.pid, e.start_ticks, e.project_id AS project, e.job_id AS job, e.epoch AS number
  FROM watchkeeper.agent_sessions e
 WHERE e.started_at > watchkeeper.now() - make_interval(days => %(days)s) AND e.boot_id = %(boot_id)s
   AND e.told_by = 'supervisor' AND e.pid IS NOT NULL AND e.start_ticks IS NOT NULL AND e.job_id IS NOT NULL
 ORDER BY e.started_at DESC
 LIMIT %(limit)s

-- name: remediations_authorized
-- How many plans on hosts a person has approved that are not carried out yet.
SELECT count(*) AS authorized FROM watchkeeper.repair_actions r
 WHERE r.action = 'end_orphan' AND r.state = 'approved' AND r.expires_at > (SELECT watchkeeper.now())
