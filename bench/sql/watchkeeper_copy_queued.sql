-- Copies every ready job of a project $2 times, with all that was written for it.
WITH seeds AS (
  SELECT r.seq, row_number() OVER (ORDER BY r.seq) AS n, count(*) OVER () AS many
    FROM watchkeeper.ready_jobs r WHERE r.project_id = $1
), copies AS MATERIALIZED (
  SELECT seeds.seq AS original, (SELECT max(seq) FROM watchkeeper.job_specs) + (k - 1) * many + n AS seq
    FROM generate_series(1, $2::bigint) AS k CROSS JOIN seeds ORDER BY k, n
), specs AS (
  INSERT INTO watchkeeper.job_specs (project_id, seq, kind, payload, contract, priority, origin, is_shadow,
                                     secret_suspected, enqueued_by, created_at)
  SELECT s.project_id, c.seq, s.kind, s.payload, s.contract, s.priority, s.origin, s.is_shadow, s.secret_suspected,
         s.enqueued_by, s.created_at
    FROM copies c JOIN watchkeeper.job_specs s ON s.project_id = $1 AND s.seq = c.original
), ready AS (
  INSERT INTO watchkeeper.ready_jobs (project_id, kind, priority, seq, ready_at)
  SELECT r.project_id, r.kind, r.priority, c.seq, r.ready_at
    FROM copies c JOIN watchkeeper.ready_jobs r ON r.project_id = $1 AND r.seq = c.original
), audited AS (
  INSERT INTO watchkeeper.audit_events (at, project_id, event, actor, job_seq, epoch, old_state, new_state)
  SELECT e.at, e.project_id, e.event, e.actor, c.seq, e.epoch, e.old_state, e.new_state
    FROM copies c JOIN watchkeeper.audit_events e ON e.project_id = $1 AND e.job_seq = c.original
)
SELECT setval(pg_get_serial_sequence('watchkeeper.job_specs', 'seq'), (SELECT max(seq) FROM copies))
