-- $1 incidents, a fifth of them unresolved, of jobs, workers and kinds; the first hundred are causes of the next thousand.
WITH rules AS (
  SELECT ARRAY['lease_expired', 'queue_stuck', 'claim_no_output', 'artifact_gate_failed', 'complete_rejected',
               'session_stalled', 'doctor_failed', 'silent_loop'] AS names
), found AS (
  INSERT INTO watchkeeper.watchdog_incidents (project_id, rule, fingerprint, severity, state, job_id, worker_id, kind,
                                              evidence, cause, next_action, due_at, occurrences, opened_at, last_seen_at,
                                              resolved_at)
  SELECT 'watched', names[1 + n % 8], 'f' || n, (ARRAY['low', 'medium', 'high', 'critical'])[1 + n % 4],
         CASE WHEN n % 5 = 0 THEN 'open' ELSE 'resolved' END,
         CASE WHEN n % 3 = 0 THEN (SELECT id FROM watchkeeper.job_specs WHERE project_id = 'watched' AND seq = n * 150) END,
         CASE WHEN n % 3 = 1 THEN 'w' || n % 200 END, CASE WHEN n % 3 = 2 THEN 'k' || n % 40 END,
         jsonb_build_object('silent_s', n, 'said', repeat('evidence ', 20)), 'gate', 'inspect_queue',
         now() + make_interval(secs => n), 1 + n % 7, now() - make_interval(mins => n::integer), now() - make_interval(secs => n),
         CASE WHEN n % 5 <> 0 THEN now() - make_interval(secs => n) END
    FROM rules, generate_series(1, $1::bigint) n
  RETURNING id, fingerprint
)
INSERT INTO watchkeeper.alerts (project_id, incident_id, dedup_key, group_key, severity, channel, recipient, subject, body,
                                due_at, attempts, sent_at)
SELECT 'watched', found.id, found.fingerprint || ':' || stage, found.fingerprint, 'high', 'ops', 'all', 'An incident',
       repeat('what was seen ', 20), now(), 1, CASE WHEN stage < 2 THEN now() END
  FROM found, generate_series(0, 2) stage
