-- $2 live leases from job $1 on, that end in ten hours, of two hundred workers.
WITH numbers AS (SELECT n, 'k' || n % 40 AS kind FROM generate_series($1::bigint, $1::bigint + $2::bigint - 1) n),
specs AS (
  INSERT INTO watchkeeper.job_specs (project_id, seq, kind, enqueued_by) SELECT 'watched', n, kind, 'principal:lin' FROM numbers
), leases AS (
  INSERT INTO watchkeeper.leases (project_id, seq, kind, priority, epoch, agent_errors, lost_leases, worker_id, token_hash,
                                  profile, lease_seconds, phase, claimed_at, renewed_at, expires_at, progress_at)
  SELECT 'watched', n, kind, 0, 1, 0, 0, 'w' || n % 200, '', 'runtime', 60, 'build', now(), now(),
         now() + interval '10 hours', now() FROM numbers
)
SELECT setval(pg_get_serial_sequence('watchkeeper.job_specs', 'seq'), (SELECT max(n) FROM numbers))
