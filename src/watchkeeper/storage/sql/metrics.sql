-- name: metric_leases
-- Count live leases by how near their end they are, as the view job_leases tells it of each, which finds its job too.
SELECT CASE WHEN clock.now > l.ends + interval '60 seconds' THEN 'stale'
            WHEN clock.now > l.ends THEN 'expired'
            WHEN l.ends - clock.now < least(interval '3 minutes', make_interval(secs => l.lasts / 3.0)) THEN 'near_expiry'
            ELSE 'normal' END AS risk, count(*) AS n
  FROM (SELECT watchkeeper.now() AS now OFFSET 0) clock
 CROSS JOIN (SELECT expires_at AS ends, lease_seconds::float8 AS lasts FROM watchkeeper.leases WHERE project_id = %(project_id)s
             UNION ALL
             SELECT lease_expires_at, lease_seconds FROM watchkeeper.foreign_leases
              WHERE project_id = %(project_id)s AND ended_at IS NULL) l
 GROUP BY 1

-- name: metric_incidents
-- Count the incidents that are not resolved by rule and severity.
SELECT rule, severity, count(*) AS n FROM watchkeeper.watchdog_incidents
 WHERE project_id = %(project_id)s AND state <> 'resolved' GROUP BY rule, severity

-- name: metric_repairs
-- Count the newest repairs of the last day by what they did and what came of it.
SELECT action, state, count(*) AS n
  FROM (SELECT action, state, created_at FROM watchkeeper.repair_actions
         WHERE project_id = %(project_id)s ORDER BY id DESC LIMIT 10000) r
 WHERE created_at > watchkeeper.now() - interval '1 day' GROUP BY action, state

-- name: metric_sessions
-- Count live agent sessions by agent and state.
SELECT agent, coalesce(state, 'running') AS state, count(*) AS n FROM watchkeeper.agent_sessions
 WHERE project_id = %(project_id)s AND ended_at IS NULL GROUP BY 1, 2

-- name: metric_spent
-- Sum what the sessions that began within a day have spent, by agent.
SELECT agent, coalesce(sum(tokens_used), 0)::float8 AS tokens, coalesce(sum(cost), 0)::float8 AS cost
  FROM watchkeeper.agent_sessions
 WHERE project_id = %(project_id)s AND started_at > watchkeeper.now() - interval '1 day' AND told_by = 'supervisor'
 GROUP BY agent

-- name: metric_gate
-- Count the gate's failed checks of the last day by name, of the newest 2,000 checks.
SELECT f ->> 'check' AS name, count(*) AS n
  FROM (SELECT failed, checked_at FROM watchkeeper.artifact_checks
         WHERE project_id = %(project_id)s ORDER BY id DESC LIMIT 2000) c
 CROSS JOIN LATERAL jsonb_array_elements(c.failed) f
 WHERE c.checked_at > watchkeeper.now() - interval '1 day' GROUP BY 1

-- name: metric_ends
-- Count the jobs that ended within the last hour by how, of the newest 10,000.
SELECT state, count(*) AS n
  FROM (SELECT state, finished_at FROM watchkeeper.job_outcomes
         WHERE project_id = %(project_id)s ORDER BY seq DESC LIMIT 10000) o
 WHERE finished_at > watchkeeper.now() - interval '1 hour' GROUP BY state

-- name: metric_slots
-- Sum the slots of the workers that are there, and how many of them hold a lease.
SELECT coalesce(sum(w.slots), 0) AS slots,
       (SELECT count(*) FROM watchkeeper.leases WHERE project_id = %(project_id)s) AS taken
  FROM watchkeeper.workers w WHERE w.project_id = %(project_id)s AND w.gone_at IS NULL AND w.stopped_at IS NULL
