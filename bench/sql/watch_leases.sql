-- Live leases of 60 s from number $1 on, $2 of them, held by 50 workers, that end between $3 and $4 seconds from now.
WITH numbers AS (SELECT n FROM generate_series($1::bigint, $1::bigint + $2::bigint - 1) n),
projects AS (
  INSERT INTO watchkeeper.projects (project_id) VALUES ('watched') ON CONFLICT DO NOTHING
), kinds AS (
  INSERT INTO watchkeeper.job_kinds (project_id, kind) SELECT 'watched', 'k' || n FROM generate_series(0, 4) n
  ON CONFLICT DO NOTHING
), workers AS (
  INSERT INTO watchkeeper.workers (project_id, worker_id, profile, slots, kinds)
  SELECT 'watched', 'w' || n, 'runtime', 1000, NULL FROM generate_series(0, 49) n ON CONFLICT DO NOTHING
), specs AS (
  INSERT INTO watchkeeper.job_specs (project_id, seq, kind) SELECT 'watched', n, 'k' || n % 5 FROM numbers
)
INSERT INTO watchkeeper.leases (project_id, seq, kind, priority, epoch, agent_errors, lost_leases, worker_id, token_hash,
                                profile, lease_seconds, claimed_at, renewed_at, expires_at)
SELECT 'watched', n, 'k' || n % 5, 0, 1, 0, 0, 'w' || n % 50, '', 'runtime', 60, now(), now(),
       now() + make_interval(secs => $3::float8 + ($4::float8 - $3::float8) * random()) FROM numbers
