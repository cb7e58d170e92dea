-- Jobs $1 to $2 of a million, of the last days: of a thousand, 920 are completed, 10 failed, 10 cancelled, 50 ready, 9
-- scheduled and one is held; each with its audit rows, each ended one with its attempt, every tenth with a check.
WITH numbers AS (
  SELECT n, n % 1000 AS share, 'k' || n % 40 AS kind, 'w' || n % 200 AS worker,
         greatest(now() - make_interval(secs => (1000001 - n) * 2.0), date_trunc('month', now())) AS at
    FROM generate_series($1::bigint, $2::bigint) n
), specs AS (
  INSERT INTO watchkeeper.job_specs (project_id, seq, kind, payload, enqueued_by, created_at)
  SELECT 'watched', n, kind, jsonb_build_object('repository', 'site', 'page', n), 'principal:lin', at FROM numbers
  RETURNING id, seq
), ready AS (
  INSERT INTO watchkeeper.ready_jobs (project_id, kind, priority, seq, ready_at)
  SELECT 'watched', kind, 0, n, at FROM numbers WHERE share BETWEEN 940 AND 989
), scheduled AS (
  INSERT INTO watchkeeper.scheduled_jobs (project_id, seq, kind, priority, run_at)
  SELECT 'watched', n, kind, 0, now() + make_interval(secs => n % 86400 + 3600) FROM numbers WHERE share BETWEEN 990 AND 998
), held AS (
  INSERT INTO watchkeeper.held_jobs (project_id, seq, kind, priority, epoch, agent_errors, lost_leases, state,
                                     state_reason, held_by, held_at)
  SELECT 'watched', n, kind, 0, 1, 0, 0, CASE WHEN n % 2000 = 999 THEN 'stuck' ELSE 'paused' END,
         CASE WHEN n % 2000 = 999 THEN 'gate_failed' ELSE 'operator' END, 'principal:lin', at
    FROM numbers WHERE share = 999
), outcomes AS (
  INSERT INTO watchkeeper.job_outcomes (project_id, seq, state, state_reason, verified, summary, epoch, finished_at)
  SELECT 'watched', n, CASE WHEN share < 920 THEN 'completed' WHEN share < 930 THEN 'failed' ELSE 'cancelled' END,
         CASE WHEN share BETWEEN 920 AND 929 THEN 'attempts_used_up' END, CASE WHEN share < 920 THEN 'artifact' END,
         'Built the page.', 1, at + interval '5 minutes'
    FROM numbers WHERE share < 940
), attempts AS (
  INSERT INTO watchkeeper.closed_attempts (project_id, seq, epoch, worker_id, outcome, token_hash, started_at, ended_at)
  SELECT 'watched', n, 1, worker, CASE WHEN share < 920 THEN 'completed' WHEN share < 930 THEN 'failed' ELSE 'cancelled' END,
         '', at + interval '1 minute', at + interval '5 minutes'
    FROM numbers WHERE share < 940
), audited AS (
  INSERT INTO watchkeeper.audit_events (at, project_id, event, actor, job_seq, epoch, new_state)
  SELECT at, 'watched', 'job_enqueued', 'principal:lin', n, 0, 'pending' FROM numbers
  UNION ALL
  SELECT at, 'watched', 'complete_succeeded', 'worker:' || worker, n, 1, 'completed' FROM numbers WHERE share < 920
)
INSERT INTO watchkeeper.artifact_checks (project_id, job_id, seq, epoch, command, passed, output_hash)
SELECT 'watched', id, seq, 1, 'complete', true, '' FROM specs WHERE seq % 10 = 0
