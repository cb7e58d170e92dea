INSERT INTO watchkeeper.audit_events (project_id, event, actor, job_seq, epoch, old_state, new_state, data)
SELECT 'bench', CASE i % 2 WHEN 0 THEN 'job_claimed' ELSE 'complete_succeeded' END, 'worker:bench-worker', i / 2, 1,
       'pending', 'running', CASE i % 2 WHEN 1 THEN jsonb_build_object('verified', 'none') END
  FROM generate_series(1, $1::integer) AS i
