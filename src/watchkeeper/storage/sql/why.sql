-- name: open_incidents_of
-- What is unresolved about a job, a kind or a worker, the gravest first.
SELECT id, rule, severity, state, cause, cause_id IS NOT NULL AS is_symptom, next_action, evidence_ref, opened_at, last_seen_at
  FROM watchkeeper.watchdog_incidents
 WHERE project_id = %(project_id)s AND state <> 'resolved'
   AND (job_id = %(job_id)s::uuid OR worker_id = %(worker_id)s::text
        OR (kind = %(kind)s::text AND job_id IS NULL AND worker_id IS NULL))
 ORDER BY cause_id IS NOT NULL, array_position(ARRAY['critical', 'high', 'medium', 'low', 'info'], severity), opened_at
 LIMIT 50

-- name: declined_by
-- Which live workers' last claims met a job and did not take it, and why not.
SELECT w.worker_id, d.reason, w.declined_at
  FROM watchkeeper.workers w
 CROSS JOIN LATERAL jsonb_to_recordset(w.declined) AS d (job text, reason text)
 WHERE w.project_id = %(project_id)s AND w.gone_at IS NULL AND jsonb_typeof(w.declined) = 'array'
   AND d.job = %(job_id)s::text
 ORDER BY w.declined_at DESC LIMIT 20

-- name: workers_of_kind
-- Live workers that take a kind, and what keeps each from claiming.
SELECT w.worker_id, w.pool, w.last_seen_at, w.stop_reason, parked.reason AS parked_because,
       CASE WHEN w.stopped_at IS NOT NULL THEN 'stopped' WHEN w.draining THEN 'draining'
            WHEN parked.reason IS NOT NULL THEN 'parked'
            WHEN w.slots <= (SELECT count(*) FROM watchkeeper.leases l
                              WHERE l.project_id = w.project_id AND l.worker_id = w.worker_id) THEN 'full'
            ELSE 'free' END AS standing
  FROM watchkeeper.workers w
  LEFT JOIN LATERAL (SELECT q.reason FROM watchkeeper.pool_parks q
                      WHERE q.project_id = w.project_id AND q.pool = w.pool AND q.until > watchkeeper.now()) parked ON true
 WHERE w.project_id = %(project_id)s AND w.gone_at IS NULL AND (w.kinds IS NULL OR %(kind)s = ANY (w.kinds))
 ORDER BY w.last_seen_at DESC LIMIT 50

-- name: last_words
-- What was last heard of a job: its newest phase, its newest look at an artifact, its newest failed command.
(SELECT 'phase' AS what, phase AS value, coalesce(message, status) AS said, coalesce(ended_at, started_at) AS at
   FROM watchkeeper.worker_runs WHERE project_id = %(project_id)s AND job_id = %(job_id)s::uuid ORDER BY id DESC LIMIT 1)
UNION ALL
(SELECT 'check', CASE WHEN passed THEN 'passed' ELSE 'failed' END,
        (SELECT string_agg(f ->> 'check', ', ') FROM jsonb_array_elements(
           CASE WHEN jsonb_typeof(failed) = 'array' THEN failed ELSE '[]' END) f), checked_at
   FROM watchkeeper.artifact_checks WHERE project_id = %(project_id)s AND job_id = %(job_id)s::uuid ORDER BY id DESC LIMIT 1)
UNION ALL
(SELECT 'failed_command', command, coalesce(error_code, 'exit ' || exit_code), created_at
   FROM watchkeeper.helper_events
  WHERE project_id = %(project_id)s AND job_id = %(job_id)s::uuid
    AND (exit_code <> 0 OR error_code IS NOT NULL) ORDER BY id DESC LIMIT 1)

-- name: known_kind
-- Whether a kind is known here, as an own one or from a foreign queue's counters or jobs.
SELECT EXISTS (SELECT FROM watchkeeper.job_kinds WHERE project_id = %(project_id)s AND kind = %(kind)s) AS own,
       EXISTS (SELECT FROM watchkeeper.foreign_queues WHERE project_id = %(project_id)s AND kind = %(kind)s)
       OR EXISTS (SELECT FROM watchkeeper.mirrored_jobs WHERE project_id = %(project_id)s AND kind = %(kind)s) AS mirrored

-- name: worker_leases_held
-- What a worker holds, own and reported, the newest first, with where each job stands.
SELECT l.job_id, l.kind, l.origin, l.epoch AS attempt, l.phase, l.claimed_at, l.lease_expires_at, l.received_at, l.risk_level,
       j.external_id, j.state, j.state_reason
  FROM watchkeeper.job_leases l
 CROSS JOIN LATERAL (SELECT v.external_id, v.state, v.state_reason FROM watchkeeper.jobs v
                      WHERE v.project_id = l.project_id AND v.id = l.job_id LIMIT 1) j
 WHERE l.project_id = %(project_id)s AND l.worker_id = %(worker_id)s
 ORDER BY l.claimed_at DESC LIMIT 20

-- name: heard_of_worker
-- The newest words on a worker's commands: its rounds, its phases, its commands, the looks at its job's artifact. That
-- `verify` went well says nothing of what it found: the kept check does.
(SELECT 'round' AS what, NULL AS name, NULL::uuid AS job_id, NULL::boolean AS ok, doctor_ok, touch_ok, claim_ok,
        answers, NULL AS output, created_at AS at
   FROM watchkeeper.worker_heartbeats WHERE project_id = %(project_id)s AND worker_id = %(worker_id)s
  ORDER BY id DESC LIMIT 20)
UNION ALL
(SELECT 'run', phase, job_id, status IN ('ok', 'retried'), NULL, NULL, NULL,
        CASE WHEN phase IN ('doctor', 'touch', 'claim') AND jsonb_typeof(payload) = 'object' THEN payload END, NULL,
        coalesce(ended_at, started_at)
   FROM watchkeeper.worker_runs WHERE project_id = %(project_id)s AND worker_id = %(worker_id)s
  ORDER BY id DESC LIMIT 100)
UNION ALL
(SELECT 'command', e.command, e.job_id, e.exit_code = 0 AND e.error_code IS NULL, NULL, NULL, NULL, NULL,
        e.output, e.created_at
   FROM unnest(ARRAY['doctor', 'touch', 'claim', 'context', 'progress', 'complete']) AS asked (command)
  CROSS JOIN LATERAL (SELECT * FROM watchkeeper.helper_events h
                       WHERE h.project_id = %(project_id)s AND h.worker_id = %(worker_id)s AND h.command = asked.command
                       ORDER BY h.id DESC LIMIT 1) e)
UNION ALL
(SELECT 'check', 'verify', job_id, passed, NULL, NULL, NULL, NULL, NULL, checked_at
   FROM watchkeeper.artifact_checks WHERE project_id = %(project_id)s AND job_id = %(job_id)s::uuid
  ORDER BY id DESC LIMIT 1)

-- name: declined_of_worker
-- What a worker's last claims declined, and by whom it was stopped.
SELECT declined, declined_at, stopped_by FROM watchkeeper.workers
 WHERE project_id = %(project_id)s AND worker_id = %(worker_id)s
