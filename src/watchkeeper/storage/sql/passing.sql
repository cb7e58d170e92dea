-- name: unresolved_to_check
-- Unresolved incidents that facts may close, from a cursor on.
SELECT i.project_id, i.id, i.rule, i.job_id, i.worker_id, i.kind, i.is_mirrored, i.evidence, i.evidence_ref,
       i.opened_at, i.last_seen_at
  FROM watchkeeper.watchdog_incidents i
 WHERE i.state <> 'resolved' AND i.rule = ANY (%(rules)s::text[])
   AND (%(after)s::uuid IS NULL OR i.id > %(after)s::uuid)
 ORDER BY i.id LIMIT %(limit)s

-- name: job_standings
-- How jobs of incidents stand now: state, lease, what was verified, completed, answered or resumed since each was last seen.
SELECT g.incident_id, j.state, j.epoch, j.lease_expires_at,
       coalesce(l.lease_seconds::float8, f.lease_seconds) AS lease_seconds, coalesce(l.renewed_at, f.received_at) AS renewed_at,
       coalesce(l.profile = 'session', false) AS is_session, l.seq IS NULL AND f.seq IS NOT NULL AS is_mirrored,
       (SELECT t.outcome FROM watchkeeper.job_attempts t
         WHERE t.project_id = j.project_id AND t.seq = j.seq AND t.epoch = g.epoch LIMIT 1) AS ended_as,
       (SELECT 'artifact_check:' || c.id FROM watchkeeper.artifact_checks c
         WHERE c.project_id = g.project_id AND c.job_id = g.job_id AND c.passed
           AND (c.checked_at > g.seen_at OR g.epoch = c.epoch) ORDER BY c.id DESC LIMIT 1) AS passed_check,
       (SELECT 'helper_event:' || e.id FROM watchkeeper.helper_events e
         WHERE e.project_id = g.project_id AND e.job_id = g.job_id AND e.command = g.command AND e.exit_code = 0
           AND e.error_code IS NULL AND e.created_at > g.seen_at ORDER BY e.id DESC LIMIT 1) AS answered,
       coalesce((SELECT true FROM watchkeeper.audit_events a
                  WHERE a.project_id = g.project_id AND a.job_seq = j.seq AND a.at > g.seen_at AND a.event = 'job_resumed'
                    AND a.actor <> 'system' LIMIT 1),
                (SELECT true FROM watchkeeper.job_specs r WHERE r.project_id = g.project_id AND r.retry_of = j.id LIMIT 1),
                false) AS is_resumed
  FROM unnest(%(incidents)s::uuid[], %(projects)s::text[], %(jobs)s::uuid[], %(seen)s::timestamptz[], %(commands)s::text[],
              %(epochs)s::int[])
       AS g (incident_id, project_id, job_id, seen_at, command, epoch)
 CROSS JOIN LATERAL (SELECT v.project_id, v.seq, v.id, v.state, v.epoch, v.lease_expires_at FROM watchkeeper.jobs v
                      WHERE v.project_id = g.project_id AND v.id = g.job_id LIMIT 1) j
  LEFT JOIN watchkeeper.leases l ON l.project_id = j.project_id AND l.seq = j.seq
  LEFT JOIN watchkeeper.foreign_leases f ON f.project_id = j.project_id AND f.seq = j.seq AND f.ended_at IS NULL

-- name: worker_standings
-- How workers of incidents stand now: what they hold, and what they were seen to do since each was last seen. `word` is the
-- newest that was said of the step that failed; where an answer failed, only an answer counts.
SELECT g.incident_id, coalesce(w.stopped_at IS NOT NULL, false) AS is_stopped, word.ref AS word_ref, word.ok AS word_ok, word.answer AS word_answer,
       word.output AS word_output,
       'worker_heartbeat:' || last.id AS last_heartbeat,
       last.current_job_id IS NOT NULL AND last.created_at >= g.opened_at AS has_job,
       (SELECT count(*) FROM watchkeeper.leases l
         WHERE l.project_id = g.project_id AND l.worker_id = g.worker_id AND l.profile = 'session')
       + (SELECT count(*) FROM watchkeeper.foreign_leases f
           WHERE f.project_id = g.project_id AND f.worker_id = g.worker_id AND f.ended_at IS NULL) AS held,
       (SELECT 'helper_event:' || e.id FROM watchkeeper.helper_events e
         WHERE e.project_id = g.project_id AND e.worker_id = g.worker_id AND e.command = g.command AND e.exit_code = 0
           AND e.error_code IS NULL AND e.created_at > g.seen_at ORDER BY e.id DESC LIMIT 1) AS answered,
       (SELECT 'artifact_check:' || c.id
          FROM (SELECT h.current_job_id FROM watchkeeper.worker_heartbeats h
                 WHERE h.project_id = g.project_id AND h.worker_id = g.worker_id AND h.current_job_id IS NOT NULL
                 ORDER BY h.id DESC LIMIT 20) n
          JOIN watchkeeper.artifact_checks c ON c.project_id = g.project_id AND c.job_id = n.current_job_id
         WHERE c.passed AND c.checked_at > g.seen_at LIMIT 1) AS passed_check,
       (SELECT 'session_event:' || e.id FROM watchkeeper.agent_sessions a
          JOIN watchkeeper.session_events e ON e.project_id = a.project_id AND e.session_id = a.id
         WHERE g.command = 'doctor' AND a.project_id = g.project_id AND a.worker_id = g.worker_id AND a.heard_at > g.seen_at
           AND a.told_by = 'supervisor' AND e.event = 'turn_ended' AND e.fields->>'ok' = 'true' AND e.created_at > g.seen_at
         LIMIT 1) AS good_turn
  FROM unnest(%(incidents)s::uuid[], %(projects)s::text[], %(workers)s::text[], %(opened)s::timestamptz[],
              %(seen)s::timestamptz[], %(commands)s::text[], %(answered)s::boolean[])
       AS g (incident_id, project_id, worker_id, opened_at, seen_at, command, is_answered)
  LEFT JOIN watchkeeper.workers w ON w.project_id = g.project_id AND w.worker_id = g.worker_id
  LEFT JOIN LATERAL (SELECT h.id, h.created_at, h.current_job_id FROM watchkeeper.worker_heartbeats h
                      WHERE h.project_id = g.project_id AND h.worker_id = g.worker_id ORDER BY h.id DESC LIMIT 1) last ON true
  LEFT JOIN LATERAL (
    SELECT * FROM (
      (SELECT 'worker_heartbeat:' || h.id AS ref, h.created_at AS at,
              CASE g.command WHEN 'doctor' THEN h.doctor_ok WHEN 'touch' THEN h.touch_ok END AS ok,
              h.answers->g.command AS answer, NULL AS output
         FROM (SELECT * FROM watchkeeper.worker_heartbeats n WHERE n.project_id = g.project_id AND n.worker_id = g.worker_id
                  AND (w.origin IS DISTINCT FROM 'own' OR n.reported_at IS NULL)
                ORDER BY n.id DESC LIMIT 20) h
        WHERE (g.command = 'doctor' AND h.doctor_ok IS NOT NULL OR g.command = 'touch' AND h.touch_ok IS NOT NULL
               OR h.answers ? g.command)
        ORDER BY h.id DESC LIMIT 1)
      UNION ALL
      (SELECT 'helper_event:' || e.id, e.created_at, e.exit_code = 0 AND e.error_code IS NULL, NULL, e.output
         FROM watchkeeper.helper_events e
        WHERE e.project_id = g.project_id AND e.worker_id = g.worker_id AND e.command = g.command
          AND (w.origin IS DISTINCT FROM 'own' OR e.reported_at IS NULL) ORDER BY e.id DESC LIMIT 1)
      UNION ALL
      (SELECT 'worker_run:' || r.id, r.ended_at, r.status IN ('ok', 'retried'), r.payload, NULL
         FROM (SELECT * FROM watchkeeper.worker_runs n WHERE n.project_id = g.project_id AND n.worker_id = g.worker_id
                  AND (w.origin IS DISTINCT FROM 'own' OR n.reported_at IS NULL)
                ORDER BY n.id DESC LIMIT 100) r
        WHERE r.phase = g.command AND jsonb_typeof(r.payload) = 'object' ORDER BY r.id DESC LIMIT 1)) u
     WHERE g.command IN ('doctor', 'touch') AND u.at > g.seen_at
       AND (NOT g.is_answered OR u.answer IS NOT NULL OR u.output LIKE '%%{%%')
     ORDER BY u.at DESC LIMIT 1) word ON true
 WHERE w.worker_id IS NOT NULL OR word.ref IS NOT NULL

-- name: kind_standings
-- How kinds of incidents stand now: when one of their jobs was last claimed, as far as that is to be seen, whether a worker may do them, whether a person paused them.
SELECT g.incident_id,
       greatest((SELECT max(l.claimed_at) FROM watchkeeper.leases l WHERE l.project_id = g.project_id AND l.kind = g.kind),
                (SELECT max(a.started_at) FROM watchkeeper.job_specs s
                   JOIN watchkeeper.closed_attempts a ON a.project_id = s.project_id AND a.seq = s.seq
                  WHERE s.project_id = g.project_id AND s.id = g.next_job)) AS claimed_at,
       coalesce(k.paused_at, p.paused_at) IS NOT NULL OR coalesce(f.is_paused, false) AS is_paused,
       CASE WHEN g.origin = 'own' THEN h.waits IS NOT NULL ELSE coalesce(f.ready, 0) > 0 END AS has_due,
       greatest(f.ready_since, f.moved_at) AS foreign_since,
       coalesce(f.eligible_workers, 0) > 0 OR EXISTS (
         SELECT FROM watchkeeper.workers w
          WHERE g.origin = 'own' AND w.project_id = g.project_id AND (w.kinds IS NULL OR g.kind = ANY (w.kinds))
            AND w.stopped_at IS NULL AND NOT w.draining
            AND (w.gone_at IS NULL OR (w.profile = 'session' AND w.last_seen_at > %(absent_at)s::timestamptz))) AS has_worker
  FROM unnest(%(incidents)s::uuid[], %(projects)s::text[], %(kinds)s::text[], %(origins)s::text[], %(next_jobs)s::uuid[])
       AS g (incident_id, project_id, kind, origin, next_job)
  LEFT JOIN watchkeeper.projects p ON p.project_id = g.project_id
  LEFT JOIN watchkeeper.job_kinds k ON k.project_id = g.project_id AND k.kind = g.kind
  LEFT JOIN watchkeeper.foreign_queues f ON f.project_id = g.project_id AND f.kind = g.kind AND f.origin = g.origin
  LEFT JOIN LATERAL (
    SELECT true AS waits FROM watchkeeper.ready_jobs r
     WHERE r.project_id = g.project_id AND r.kind = g.kind AND g.origin = 'own' LIMIT 1) h ON true

-- name: decided_of_incidents
-- What was decided or written down of incidents: their proposals, and whether stored files that were lost are back.
SELECT g.incident_id,
       (SELECT 'proposal:' || q.id FROM watchkeeper.proposals q
         WHERE q.project_id = g.project_id AND q.incident_id = g.incident_id AND q.decided_at IS NOT NULL LIMIT 1) AS decided,
       (SELECT 'proposal:' || q.id FROM watchkeeper.proposals q
         WHERE q.project_id = g.project_id AND q.incident_id = g.incident_id LIMIT 1) AS written,
       (SELECT a.lost_at IS NULL FROM watchkeeper.artifacts a
         WHERE a.project_id = g.project_id AND a.id = g.artifact_id) AS is_restored
  FROM unnest(%(incidents)s::uuid[], %(projects)s::text[], %(artifacts)s::uuid[]) AS g (incident_id, project_id, artifact_id)

-- name: session_standings
-- How agent sessions of incidents stand now, and what was heard of them since each was last seen. Another epoch, or none, leaves a session behind.
SELECT g.incident_id, a.ended_at IS NOT NULL AS is_over,
       a.job_id IS NOT NULL AND NOT EXISTS (
         SELECT FROM watchkeeper.job_specs s
           JOIN watchkeeper.leases l ON l.project_id = s.project_id AND l.seq = s.seq AND l.epoch = a.epoch
          WHERE s.project_id = a.project_id AND s.id = a.job_id)
         AND NOT EXISTS (
         SELECT FROM watchkeeper.foreign_leases f
          WHERE f.project_id = a.project_id AND f.job_id = a.job_id AND f.ended_at IS NULL) AS is_left_behind,
       CASE WHEN a.last_event_at > g.seen_at THEN a.last_event_at END AS went_on,
       CASE WHEN a.diagnosis->>'failure' IS NULL AND a.diagnosed_at > g.seen_at THEN a.diagnosed_at END AS found_well,
       CASE WHEN a.diagnosis->>'action' NOT IN ('none', 'park', 'hold') THEN a.diagnosis->>'failure' END AS failure,
       CASE WHEN a.swept_at IS NOT NULL THEN jsonb_array_length(a.left_processes) END AS "left"
  FROM unnest(%(incidents)s::uuid[], %(projects)s::text[], %(sessions)s::uuid[], %(seen)s::timestamptz[])
       AS g (incident_id, project_id, session_id, seen_at)
  JOIN watchkeeper.agent_sessions a ON a.project_id = g.project_id AND a.id = g.session_id
