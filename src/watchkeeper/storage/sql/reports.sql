-- name: report_frame
-- When a project began, and the time; the begin of a project without a row is now.
SELECT coalesce((SELECT started_at FROM watchkeeper.projects WHERE project_id = %(project_id)s), watchkeeper.now()) AS started_at,
       watchkeeper.now() AS now

-- name: report_incidents
-- Incidents since a time by rule; those of drills and shadow jobs are not real. Who was called for one had time until it was due.
SELECT i.rule, count(*) AS seen,
       count(*) FILTER (WHERE NOT i.evidence ? 'drill' AND NOT coalesce(s.is_shadow, false)
                          AND NOT coalesce(p.force_shadow, false)) AS real,
       count(*) FILTER (WHERE i.state <> 'resolved') AS unresolved,
       count(*) FILTER (WHERE i.state = 'resolved'
                          AND (i.pass_evidence ? 'paused' OR EXISTS (
                                SELECT FROM watchkeeper.repair_actions r
                                 WHERE r.project_id = i.project_id AND r.incident_id = i.id AND r.result = 'success'
                                   AND r.state <> 'rolled_back' AND r.action IN ('pause', 'pause_kind', 'fail', 'fail_kind')))) AS routed,
       count(*) FILTER (WHERE EXISTS (SELECT FROM watchkeeper.repair_actions r
                                       WHERE r.project_id = i.project_id AND r.incident_id = i.id)) AS repaired,
       count(*) FILTER (WHERE EXISTS (SELECT FROM watchkeeper.lessons l
                                       WHERE l.project_id = i.project_id AND l.incident_id = i.id)) AS learnt,
       count(*) FILTER (WHERE EXISTS (SELECT FROM watchkeeper.proposals d
                                       WHERE d.project_id = i.project_id AND d.incident_id = i.id)) AS proposed,
       count(*) FILTER (WHERE a.called AND i.due_at <= watchkeeper.now()) AS called,
       count(*) FILTER (WHERE a.called AND i.due_at <= watchkeeper.now()
                          AND least(i.acknowledged_at, i.resolved_at) <= i.due_at) AS answered
  FROM watchkeeper.watchdog_incidents i
  LEFT JOIN watchkeeper.job_specs s ON s.project_id = i.project_id AND s.id = i.job_id
  LEFT JOIN watchkeeper.projects p ON p.project_id = i.project_id
  LEFT JOIN LATERAL (SELECT EXISTS (
    SELECT FROM watchkeeper.alerts x
     WHERE x.project_id = i.project_id AND x.incident_id = i.id AND x.sent_at IS NOT NULL) AS called) a ON true
 WHERE i.project_id = %(project_id)s AND i.opened_at >= %(since)s
 GROUP BY i.rule

-- name: report_repairs
-- Repairs since a time that succeeded, by action.
SELECT action, count(*) AS done FROM watchkeeper.repair_actions
 WHERE project_id = %(project_id)s AND created_at >= %(since)s AND result = 'success' AND state <> 'rolled_back'
 GROUP BY action

-- name: report_phases
-- The phases that were recorded since a time, as phases of attempts and as commands.
SELECT phase, count(*) AS seen FROM (
  (SELECT phase, started_at AS at FROM watchkeeper.worker_runs WHERE project_id = %(project_id)s ORDER BY id DESC LIMIT 10000)
  UNION ALL
  (SELECT command, created_at FROM watchkeeper.helper_events WHERE project_id = %(project_id)s ORDER BY id DESC LIMIT 10000)) r
 WHERE at >= %(since)s GROUP BY phase

-- name: report_drills
-- How each drill went last.
SELECT DISTINCT ON (data->>'drill') data->>'drill' AS drill, (data->>'passed')::boolean AS passed
  FROM watchkeeper.audit_events WHERE project_id = 'system' AND event = 'drill_ended' AND data ? 'drill'
 ORDER BY data->>'drill', at DESC

-- name: end_drill
-- Writes down how a drill ended.
INSERT INTO watchkeeper.audit_events (project_id, event, actor, reason, data)
VALUES ('system', 'drill_ended', %(actor)s, %(reason)s::text,
        jsonb_build_object('drill', %(drill)s::text, 'passed', %(passed)s::boolean, 'evidence', %(evidence)s::integer))

-- name: report_rest
-- What else reports count of a project since a time.
SELECT coalesce((SELECT last_tick_at > watchkeeper.now() - interval '1 minute' FROM watchkeeper.watchdog_state), false) AS ticks,
       (SELECT count(*) FROM watchkeeper.helper_events
         WHERE project_id = %(project_id)s AND created_at >= %(since)s) AS helper_events,
       (SELECT count(*) FROM watchkeeper.artifacts
         WHERE project_id = %(project_id)s AND kind = 'runbook' AND created_at >= %(since)s) AS runbooks,
       (SELECT count(*) FROM watchkeeper.artifacts
         WHERE project_id = %(project_id)s AND created_at >= %(since)s) AS artifacts,
       (SELECT count(*) FROM watchkeeper.artifacts
         WHERE project_id = %(project_id)s AND created_at >= %(since)s AND kind = ANY (%(kinds)s)) AS known_kinds,
       (SELECT count(*) FROM (SELECT FROM watchkeeper.audit_seals WHERE project_id = 'system' LIMIT 1) x) AS seals,
       (SELECT count(*) FROM watchkeeper.repair_actions
         WHERE project_id = %(project_id)s AND created_at >= %(since)s AND old_state IS NOT NULL
           AND result = 'success') AS undoable,
       (SELECT count(*) FROM watchkeeper.proposals
         WHERE project_id = %(project_id)s AND kind = 'd30' AND decided_at IS NOT NULL) AS d30_decided,
       (SELECT count(*) FROM watchkeeper.people_syncs
         WHERE project_id = %(project_id)s AND reply->>'adopt' = 'watchdog_config') AS adopted,
       (SELECT count(*) FROM watchkeeper.people_syncs
         WHERE project_id = %(project_id)s AND reply->>'adopt' = 'revise') AS revised,
       (SELECT count(*) FROM watchkeeper.alerts a
          JOIN watchkeeper.watchdog_incidents i ON i.project_id = a.project_id AND i.id = a.incident_id
         WHERE a.project_id = %(project_id)s AND a.sent_at >= %(since)s
           AND i.rule IN ('complete_rejected', 'artifact_gate_failed', 'artifact_missing', 'missing_deliverable_id'))
         AS escalations,
       (SELECT count(*) FROM watchkeeper.watchdog_incidents
         WHERE project_id = %(project_id)s AND state <> 'resolved') AS open_incidents

-- name: report_open_rules
-- How many incidents of each rule are open now.
SELECT rule, count(*) AS open FROM watchkeeper.watchdog_incidents
 WHERE project_id = %(project_id)s AND state <> 'resolved' GROUP BY rule
