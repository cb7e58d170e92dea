-- name: job_timeline
-- Everything that the audit trail, the attempts, incidents, repairs and alerts know of a job, in order; the newest where it is long.
SELECT at, what, event, actor, epoch, old_state, new_state, reason, data FROM (
SELECT * FROM (
  SELECT created_at AS at, 'audit' AS what, 'jobs_enqueued' AS event, enqueued_by AS actor, NULL::int AS epoch,
         NULL AS old_state, 'pending' AS new_state, NULL AS reason, NULL::jsonb AS data, 0 AS n
    FROM watchkeeper.job_specs WHERE project_id = %(project_id)s AND seq = %(seq)s AND origin = 'own'
  UNION ALL
  SELECT at, 'audit' AS what, event, actor, epoch, old_state, new_state, reason, data, seq AS n
    FROM watchkeeper.audit_events
   WHERE project_id = %(project_id)s AND job_seq = %(seq)s AND event <> 'jobs_enqueued'
  UNION ALL
  SELECT started_at, 'run', phase, 'worker:' || worker_id, epoch, NULL, NULL, message, payload, 0
    FROM watchkeeper.worker_runs WHERE project_id = %(project_id)s AND job_id = %(id)s::uuid
  UNION ALL
  SELECT checked_at, 'check', command, 'system', epoch, NULL, NULL, CASE WHEN passed THEN 'passed' ELSE 'failed' END,
         jsonb_build_object('failed', failed, 'file_count', file_count, 'primary_url', primary_url), 0
    FROM watchkeeper.artifact_checks WHERE project_id = %(project_id)s AND seq = %(seq)s
  UNION ALL
  SELECT i.opened_at, 'incident', i.rule, 'watchdog', NULL, NULL, NULL, i.severity, jsonb_build_object('id', i.id, 'state', i.state), 0
    FROM watchkeeper.watchdog_incidents i WHERE i.project_id = %(project_id)s AND i.job_id = %(id)s::uuid
  UNION ALL
  SELECT coalesce(r.ended_at, r.created_at), 'repair', r.action, r.actor, NULL, NULL, NULL, r.state, jsonb_build_object('id', r.id), 0
    FROM watchkeeper.repair_actions r WHERE r.project_id = %(project_id)s AND r.job_id = %(id)s::uuid
  UNION ALL
  SELECT a.sent_at, 'alert', a.channel, a.recipient, NULL, NULL, NULL, a.subject, jsonb_build_object('id', a.id), 0
    FROM watchkeeper.watchdog_incidents i
    JOIN watchkeeper.alerts a ON a.project_id = i.project_id AND a.incident_id = i.id AND a.sent_at IS NOT NULL
   WHERE i.project_id = %(project_id)s AND i.job_id = %(id)s::uuid
) t ORDER BY at DESC, n DESC LIMIT %(limit)s
) newest ORDER BY at, n

-- name: job_marks
-- What is drawn of a job, the newest `most` of each kind of record: attempts, the live lease, heartbeats that name it, what the audit
-- trail tells, helper events, checks of its artifacts, incidents, repairs, sessions.
(SELECT 'attempt' AS what, a.started_at AS at, a.ended_at AS until, a.outcome AS event, a.cause AS said, a.worker_id AS who, a.epoch,
        NULL::uuid AS id
   FROM watchkeeper.job_attempts a
  WHERE a.project_id = %(project_id)s AND a.seq = %(seq)s ORDER BY a.epoch DESC LIMIT %(most)s)
UNION ALL
SELECT 'lease', l.renewed_at, l.expires_at, 'renewed', NULL, l.worker_id, l.epoch, NULL
  FROM watchkeeper.leases l WHERE l.project_id = %(project_id)s AND l.seq = %(seq)s
UNION ALL
(SELECT 'heartbeat', h.created_at, NULL, h.status, NULL, h.worker_id, NULL, NULL
   FROM watchkeeper.worker_heartbeats h
  WHERE h.project_id = %(project_id)s AND h.current_job_id = %(job_id)s::uuid ORDER BY h.id DESC LIMIT %(most)s)
UNION ALL
(SELECT 'audit', e.at, NULL, e.event, e.reason, e.actor, e.epoch, NULL
   FROM watchkeeper.audit_events e
  WHERE e.project_id = %(project_id)s AND e.job_seq = %(seq)s ORDER BY e.at DESC LIMIT %(most)s)
UNION ALL
(SELECT 'helper', h.created_at, NULL, h.command, coalesce(h.error_code, CASE WHEN h.exit_code <> 0 THEN h.exit_code::text END), h.worker_id,
        NULL, NULL
   FROM watchkeeper.helper_events h
  WHERE h.project_id = %(project_id)s AND h.job_id = %(job_id)s::uuid ORDER BY h.id DESC LIMIT %(most)s)
UNION ALL
(SELECT 'check', c.checked_at, NULL, c.command, CASE WHEN c.passed THEN 'passed' ELSE 'refused' END, NULL, c.epoch, c.id
   FROM watchkeeper.artifact_checks c
  WHERE c.project_id = %(project_id)s AND c.job_id = %(job_id)s::uuid ORDER BY c.id DESC LIMIT %(most)s)
UNION ALL
(SELECT 'incident', i.opened_at, i.resolved_at, i.rule, i.severity, i.worker_id, NULL, i.id
   FROM watchkeeper.watchdog_incidents i
  WHERE i.project_id = %(project_id)s AND i.job_id = %(job_id)s::uuid ORDER BY i.id DESC LIMIT %(most)s)
UNION ALL
(SELECT 'repair', r.created_at, r.ended_at, r.action, r.state, r.actor, NULL, r.id
   FROM watchkeeper.repair_actions r
  WHERE r.project_id = %(project_id)s AND r.job_id = %(job_id)s::uuid ORDER BY r.id DESC LIMIT %(most)s)
UNION ALL
(SELECT 'session', s.started_at, s.ended_at, s.agent, coalesce(s.failure_class, s.diagnosis->>'failure'), s.worker_id, s.epoch, s.id
   FROM watchkeeper.agent_sessions s
  WHERE s.project_id = %(project_id)s AND s.job_id = %(job_id)s::uuid ORDER BY s.id DESC LIMIT %(most)s)

-- name: job_session_events
-- What a job's newest sessions were seen to do, for a drawing: every event, or every so-manieth where there are more than `most`.
WITH s AS MATERIALIZED (
  SELECT a.id, a.started_at,
         coalesce((SELECT e.number FROM watchkeeper.session_events e WHERE e.project_id = a.project_id AND e.session_id = a.id
                    ORDER BY e.number DESC LIMIT 1), 0) AS last
    FROM watchkeeper.agent_sessions a
   WHERE a.project_id = %(project_id)s AND a.job_id = %(job_id)s::uuid ORDER BY a.id DESC LIMIT 20
), every AS (SELECT greatest(1, ceil(sum(last) / %(most)s::float8))::bigint AS step FROM s)
SELECT s.id AS session_id, s.started_at + make_interval(secs => coalesce(e.t, 0)) AS at, e.number, e.source, e.event, e.tool, e.call, e.failed,
       every.step
  FROM s CROSS JOIN every
 CROSS JOIN LATERAL generate_series(1, s.last, every.step) n (number)
 CROSS JOIN LATERAL (SELECT x.number, x.t, x.source, x.event, x.fields->>'tool' AS tool, x.fields->>'id' AS call,
                            x.fields->'failed' = 'true'::jsonb OR x.fields->'ok' = 'false'::jsonb AS failed
                       FROM watchkeeper.session_events x
                      WHERE x.project_id = %(project_id)s AND x.session_id = s.id AND x.number = n.number LIMIT 1) e
 ORDER BY s.id, e.number

-- name: blind_spans
-- When the watchdog did not see within a span of time: its incidents of blindness with the ticks that were missed before, the last gap
-- in its ticks, and the present one.
SELECT begin, until FROM (
  (SELECT i.opened_at - make_interval(secs => coalesce((coalesce(i.first_evidence, i.evidence)->>'seconds')::float8, 0)) AS begin,
          i.resolved_at AS until
     FROM watchkeeper.watchdog_incidents i
    WHERE i.project_id = 'system' AND i.rule = 'watchdog_blind' AND i.opened_at > %(begin)s::timestamptz - interval '1 day'
      AND i.opened_at < %(end)s::timestamptz
    ORDER BY i.opened_at DESC LIMIT %(most)s)
  UNION ALL
  SELECT w.unwatched_from, w.quiet_since FROM watchkeeper.watchdog_state w WHERE w.unwatched_from > 'epoch'
  UNION ALL
  SELECT coalesce(w.blind_since, w.last_tick_at), NULL FROM watchkeeper.watchdog_state w
   WHERE w.blind_since IS NOT NULL OR w.last_tick_at < watchkeeper.now() - make_interval(secs => %(gap_seconds)s::float8)
) b WHERE b.begin < %(end)s::timestamptz AND coalesce(b.until, %(end)s::timestamptz) > %(begin)s::timestamptz
 ORDER BY begin

-- name: watched_versions
-- A version of each thing that somebody looks at, made of its rows' transactions: another one after any change that its page shows.
SELECT t.kind, t.project_id, t.id, v.version
  FROM unnest(%(kinds)s::text[], %(projects)s::text[], %(ids)s::uuid[]) AS t (kind, project_id, id)
 CROSS JOIN LATERAL (
   SELECT concat_ws(' ', l.xmin, l.expires_at, h.xmin, o.xmin, r.xmin, d.xmin, m.xmin, f.version,
            (SELECT a.epoch FROM watchkeeper.closed_attempts a WHERE a.project_id = t.project_id AND a.seq = s.seq
              ORDER BY a.epoch DESC LIMIT 1),
            (SELECT x.id FROM watchkeeper.worker_runs x WHERE x.project_id = t.project_id AND x.job_id = t.id ORDER BY x.id DESC LIMIT 1),
            (SELECT x.id FROM watchkeeper.helper_events x WHERE x.project_id = t.project_id AND x.job_id = t.id ORDER BY x.id DESC LIMIT 1),
            (SELECT x.id FROM watchkeeper.artifact_checks x WHERE x.project_id = t.project_id AND x.job_id = t.id ORDER BY x.id DESC LIMIT 1),
            (SELECT x.xmin FROM watchkeeper.agent_sessions x WHERE x.project_id = t.project_id AND x.job_id = t.id ORDER BY x.id DESC LIMIT 1),
            (SELECT string_agg(x.xmin::text, ',') FROM (SELECT i.xmin FROM watchkeeper.watchdog_incidents i
                WHERE i.project_id = t.project_id AND i.job_id = t.id ORDER BY i.id DESC LIMIT 20) x),
            (SELECT string_agg(x.xmin::text, ',') FROM (SELECT i.xmin FROM watchkeeper.repair_actions i
                WHERE i.project_id = t.project_id AND i.job_id = t.id ORDER BY i.id DESC LIMIT 20) x)) AS version
     FROM watchkeeper.job_specs s
     LEFT JOIN watchkeeper.leases l ON l.project_id = s.project_id AND l.seq = s.seq
     LEFT JOIN watchkeeper.held_jobs h ON h.project_id = s.project_id AND h.seq = s.seq
     LEFT JOIN watchkeeper.job_outcomes o ON o.project_id = s.project_id AND o.seq = s.seq
     LEFT JOIN watchkeeper.ready_jobs r ON r.project_id = s.project_id AND r.kind = s.kind AND r.priority = s.priority AND r.seq = s.seq
     LEFT JOIN watchkeeper.scheduled_jobs d ON d.project_id = s.project_id AND d.seq = s.seq
     LEFT JOIN watchkeeper.mirrored_jobs m ON m.project_id = s.project_id AND m.seq = s.seq
     LEFT JOIN LATERAL (SELECT x.xmin AS version FROM watchkeeper.foreign_leases x
                         WHERE x.project_id = s.project_id AND x.seq = s.seq ORDER BY x.epoch DESC LIMIT 1) f ON true
    WHERE t.kind = 'job' AND s.project_id = t.project_id AND s.id = t.id
   UNION ALL
   SELECT concat_ws(' ', a.xmin, l.xmin)
     FROM watchkeeper.agent_sessions a
     LEFT JOIN watchkeeper.job_specs s ON s.project_id = a.project_id AND s.id = a.job_id
     LEFT JOIN watchkeeper.leases l ON l.project_id = a.project_id AND l.seq = s.seq AND l.epoch = a.epoch
    WHERE t.kind = 'session' AND a.project_id = t.project_id AND a.id = t.id
   UNION ALL
   SELECT concat_ws(' ', i.xmin,
            (SELECT string_agg(x.xmin::text, ',') FROM (SELECT r.xmin FROM watchkeeper.repair_actions r
                WHERE r.project_id = t.project_id AND r.incident_id = t.id ORDER BY r.id DESC LIMIT 20) x),
            (SELECT string_agg(x.xmin::text, ',') FROM (SELECT a.xmin FROM watchkeeper.alerts a
                WHERE a.project_id = t.project_id AND a.incident_id = t.id ORDER BY a.id DESC LIMIT 20) x))
     FROM watchkeeper.watchdog_incidents i WHERE t.kind = 'incident' AND i.project_id = t.project_id AND i.id = t.id
   UNION ALL
   SELECT concat_ws(' ', r.xmin,
            (SELECT string_agg(x.xmin::text, ',') FROM (SELECT a.xmin FROM watchkeeper.approvals a
                WHERE a.project_id = t.project_id AND a.repair_id = t.id ORDER BY a.id DESC LIMIT 20) x))
     FROM watchkeeper.repair_actions r WHERE t.kind = 'repair' AND r.project_id = t.project_id AND r.id = t.id
 ) v
