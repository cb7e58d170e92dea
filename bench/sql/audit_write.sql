INSERT INTO watchkeeper.audit_events (project_id, event, actor, job_seq, epoch, old_state, new_state)
SELECT 'bench', 'job_claimed', 'worker:bench-worker', i, 1, 'pending', 'running' FROM generate_series(1, $1::integer) AS i
