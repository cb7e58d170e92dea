-- Makes a long story of one job, and of 2,000 sessions: 300 phases, 200 commands, and one session of 20,000 events.
WITH job AS (
  SELECT id, seq FROM watchkeeper.job_specs WHERE project_id = 'watched' AND seq = $1::bigint
), runs AS (
  INSERT INTO watchkeeper.worker_runs (project_id, worker_id, job_id, epoch, phase, status, message)
  SELECT 'watched', 'w1', id, 1, 'build', 'ok', 'step ' || n FROM job, generate_series(1, 300) n
), commands AS (
  INSERT INTO watchkeeper.helper_events (project_id, worker_id, job_id, command, exit_code, output)
  SELECT 'watched', 'w1', id, 'progress', 0, repeat('output ', 30) FROM job, generate_series(1, 200) n
), sessions AS (
  INSERT INTO watchkeeper.agent_sessions (project_id, job_id, epoch, worker_id, agent, cli_version, thread_id, number,
                                          state, turns, tokens_used, cost, started_at, last_event_at, ended_at)
  SELECT 'watched', s.id, n, 'w' || n % 200, 'codex', '0.169.0', 'th-' || n, 1, CASE WHEN n % 10 = 0 THEN 'running' ELSE 'ended' END,
         3, 48210, 0.82, now() - make_interval(mins => n::integer), now(), CASE WHEN n % 10 <> 0 THEN now() END
    FROM generate_series(1, 2000) n
    JOIN watchkeeper.job_specs s ON s.project_id = 'watched' AND s.seq = CASE n WHEN 1 THEN $1::bigint ELSE n * 400 END
  RETURNING id, thread_id
)
INSERT INTO watchkeeper.session_events (project_id, session_id, source, event, fields, number, t)
SELECT 'watched', sessions.id, 'stdout', CASE WHEN n % 5 = 0 THEN 'tool_opened' ELSE 'said' END,
       CASE WHEN n % 5 = 0 THEN jsonb_build_object('id', 't' || n, 'tool', 'shell', 'shown', 'pytest -q')
            ELSE jsonb_build_object('text', 'I look at page ' || n || '. ' || repeat('Words. ', 20)) END, n, n * 1.5
  FROM sessions, generate_series(1, 20000) n WHERE thread_id = 'th-1'
