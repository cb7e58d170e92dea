-- Copies every queued job of an entrypoint $2 times, with its log.
WITH numbered AS (
  SELECT id, row_number() OVER (ORDER BY id) AS n, count(*) OVER () AS many
    FROM pgqueuer WHERE entrypoint = $1 AND status = 'queued'
), copies AS MATERIALIZED (
  SELECT id AS original, (SELECT max(job_id) FROM pgqueuer_log) + (k - 1) * many + n AS id
    FROM generate_series(1, $2::bigint) AS k CROSS JOIN numbered ORDER BY k, n
), queued AS (
  INSERT INTO pgqueuer (id, priority, created, updated, heartbeat, execute_after, status, entrypoint, payload, headers,
                        attempts)
  SELECT c.id, q.priority, q.created, q.updated, q.heartbeat, q.execute_after, q.status, q.entrypoint, q.payload,
         q.headers, q.attempts
    FROM copies c JOIN pgqueuer q ON q.id = c.original
), logged AS (
  INSERT INTO pgqueuer_log (created, job_id, status, priority, entrypoint, traceback, aggregated)
  SELECT l.created, c.id, l.status, l.priority, l.entrypoint, l.traceback, l.aggregated
    FROM copies c JOIN pgqueuer_log l ON l.job_id = c.original
)
SELECT setval('pgqueuer_id_seq', (SELECT max(id) FROM copies))
