-- Forty kinds and two hundred workers of the project that a console shows, beside nine small projects.
WITH projects AS (
  INSERT INTO watchkeeper.projects (project_id, title) SELECT 'p' || n, 'Project ' || n FROM generate_series(1, 9) n
  UNION ALL SELECT 'watched', 'Everything at once'
), kinds AS (
  INSERT INTO watchkeeper.job_kinds (project_id, kind, declared) SELECT 'watched', 'k' || n, true FROM generate_series(0, 39) n
)
INSERT INTO watchkeeper.workers (project_id, worker_id, profile, slots, kinds, role, host_id, version)
SELECT 'watched', 'w' || n, 'runtime', 1000, NULL, 'build', 'host-' || n % 20, '0.1.0' FROM generate_series(0, 199) n
