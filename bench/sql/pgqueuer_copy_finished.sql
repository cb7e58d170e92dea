-- Copies the log of every finished job of an entrypoint $2 times.
WITH seeds AS (
  SELECT DISTINCT job_id FROM pgqueuer_log WHERE entrypoint = $1 AND status = 'successful'
), numbered AS (
  SELECT job_id, row_number() OVER (ORDER BY job_id) AS n, count(*) OVER () AS many FROM seeds
), copies AS MATERIALIZED (
  SELECT job_id AS original, (SELECT max(job_id) FROM pgqueuer_log) + (k - 1) * many + n AS job_id
    FROM generate_series(1, $2::bigint) AS k CROSS JOIN numbered ORDER BY k, n
), logged AS (
  INSERT INTO pgqueuer_log (created, job_id, status, priority, entrypoint, traceback, aggregated)
  SELECT l.created, c.job_id, l.status, l.priority, l.entrypoint, l.traceback, l.aggregated
    FROM copies c JOIN pgqueuer_log l ON l.job_id = c.original
)
SELECT setval('pgqueuer_id_seq', (SELECT max(job_id) FROM copies))
