-- Copies every finished job of a project $2 times, with all that was written for it.
WITH seeds AS (
  SELECT s.seq, row_number() OVER (ORDER BY s.seq) AS n, count(*) OVER () AS many
    FROM watchkeeper.job_specs s WHERE s.project_id = $1
), copies AS MATERIALIZED (
  SELECT seeds.seq AS original, (SELECT max(seq) FROM watchkeeper.job_specs) + (k - 1) * many + n AS seq
    FROM generate_series(1, $2::bigint) AS k CROSS JOIN seeds ORDER BY k, n
), specs AS (
  INSERT INTO watchkeeper.job_specs (project_id, seq, kind, payload, contract, priority, origin, is_shadow,
                                     secret_suspected, enqueued_by, created_at)
  SELECT s.project_id, c.seq, s.kind, s.payload, s.contract, s.priority, s.origin, s.is_shadow, s.secret_suspected,
         s.enqueued_by, s.created_at
    FROM copies c JOIN watchkeeper.job_specs s ON s.project_id = $1 AND s.seq = c.original
), outcomes AS (
  INSERT INTO watchkeeper.job_outcomes (project_id, seq, state, verified, summary, epoch, finished_at)
  SELECT o.project_id, c.seq, o.state, o.verified, o.summary, o.epoch, o.finished_at
    FROM copies c JOIN watchkeeper.job_outcomes o ON o.project_id = $1 AND o.seq = c.original
), attempts AS (
  INSERT INTO watchkeeper.closed_attempts (project_id, seq, epoch, worker_id, outcome, token_hash, started_at, ended_at)
  SELECT a.project_id, c.seq, a.epoch, a.worker_id, a.outcome, a.token_hash, a.started_at, a.ended_at
    FROM copies c JOIN watchkeeper.closed_attempts a ON a.project_id = $1 AND a.seq = c.original
), audited AS (
  INSERT INTO watchkeeper.audit_events (at, project_id, event, actor, job_seq, epoch, old_state, new_state)
  SELECT e.at, e.project_id, e.event, e.actor, c.seq, e.epoch, e.old_state, e.new_state
    FROM copies c JOIN watchkeeper.audit_events e ON e.project_id = $1 AND e.job_seq = c.original
)
SELECT setval(pg_get_serial_sequence('watchkeeper.job_specs', 'seq'), (SELECT max(seq) FROM copies))
