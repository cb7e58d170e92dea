-- name: bulk_preview
-- Of the first jobs in a state, looked at up to a bound: how many match, the first of them, and whether there are more.
WITH standing AS (
  (SELECT seq, kind FROM watchkeeper.ready_jobs
    WHERE %(of_state)s::text = 'pending' AND project_id = %(project_id)s
      AND (%(of_kind)s::text IS NULL OR kind = %(of_kind)s::text) LIMIT %(most)s + 1)
  UNION ALL
  (SELECT seq, kind FROM watchkeeper.scheduled_jobs
    WHERE %(of_state)s::text = 'pending' AND project_id = %(project_id)s
      AND (%(of_kind)s::text IS NULL OR kind = %(of_kind)s::text) LIMIT %(most)s + 1)
  UNION ALL
  (SELECT seq, kind FROM watchkeeper.leases
    WHERE %(of_state)s::text = 'running' AND project_id = %(project_id)s
      AND (%(of_kind)s::text IS NULL OR kind = %(of_kind)s::text) LIMIT %(most)s + 1)
  UNION ALL
  (SELECT seq, kind FROM watchkeeper.held_jobs
    WHERE project_id = %(project_id)s AND state = %(of_state)s::text
      AND (%(of_kind)s::text IS NULL OR kind = %(of_kind)s::text) LIMIT %(most)s + 1)
  UNION ALL
  (SELECT o.seq, NULL FROM watchkeeper.job_outcomes o
    WHERE o.project_id = %(project_id)s AND o.state = %(of_state)s::text AND o.state <> 'completed'
    ORDER BY o.seq DESC LIMIT %(most)s + 1)
), looked AS MATERIALIZED (
  SELECT * FROM standing LIMIT %(most)s + 1
), matching AS MATERIALIZED (
  SELECT s.id, s.seq, s.kind, s.created_at FROM looked l
    JOIN watchkeeper.job_specs s ON s.project_id = %(project_id)s AND s.seq = l.seq
   WHERE s.created_at < %(made_before)s::timestamptz AND s.origin = 'own'
     AND (%(of_kind)s::text IS NULL OR s.kind = %(of_kind)s::text)
)
SELECT (SELECT count(*) FROM matching) AS matching, (SELECT count(*) FROM looked) > %(most)s AS capped,
       (SELECT coalesce(jsonb_agg(to_jsonb(e) - 'seq' ORDER BY e.seq), '[]')
          FROM (SELECT * FROM matching ORDER BY seq LIMIT 5) e) AS examples

-- name: begin_bulk_act
-- Writes down an act on all jobs that match; jobs that come later are none of its.
WITH begun AS (
  INSERT INTO watchkeeper.bulk_acts (project_id, what, of_state, of_kind, made_before, reason, actor, up_to)
  SELECT %(project_id)s, %(what)s, %(of_state)s, %(of_kind)s::text, %(made_before)s::timestamptz, %(reason)s, %(actor)s,
         coalesce((SELECT max(seq) FROM watchkeeper.job_specs WHERE project_id = %(project_id)s), 0)
  RETURNING *
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, reason, data)
  SELECT project_id, 'bulk_act_started', actor, reason,
         jsonb_build_object('bulk_act', id, 'what', what, 'state', of_state, 'kind', of_kind, 'made_before', made_before)
    FROM begun
)
SELECT * FROM begun

-- name: bulk_acts
-- The bulk acts of a project, the newest first.
SELECT * FROM watchkeeper.bulk_acts
 WHERE project_id = %(project_id)s AND (%(id)s::uuid IS NULL OR id = %(id)s::uuid)
 ORDER BY id DESC LIMIT %(limit)s

-- name: stop_bulk_act
-- Stops an act after its present batch; no row where it does not run.
WITH stopped AS (
  UPDATE watchkeeper.bulk_acts SET state = 'stopped', stopped_by = %(actor)s, ended_at = watchkeeper.now()
   WHERE project_id = %(project_id)s AND id = %(id)s::uuid AND state = 'running' RETURNING *
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, reason, data)
  SELECT project_id, 'bulk_act_stopped', %(actor)s, %(reason)s,
         jsonb_build_object('bulk_act', id, 'done', done, 'skipped', skipped) FROM stopped
)
SELECT * FROM stopped

-- name: next_bulk_act
-- The running act whose turn it is, locked; none where another process has it.
SELECT * FROM watchkeeper.bulk_acts WHERE state = 'running' ORDER BY moved_at LIMIT 1 FOR UPDATE SKIP LOCKED

-- name: bulk_batch
-- The next jobs of an act among the next so many of the project, and how far was looked.
WITH looked AS MATERIALIZED (
  SELECT seq, id, kind, created_at, origin FROM watchkeeper.job_specs
   WHERE project_id = %(project_id)s AND seq > %(looked_to)s AND seq <= %(up_to)s
   ORDER BY seq LIMIT %(window)s
), matching AS MATERIALIZED (
  SELECT l.seq, l.id FROM looked l
   CROSS JOIN LATERAL (SELECT j.state FROM watchkeeper.jobs j
                        WHERE j.project_id = %(project_id)s AND j.id = l.id) j
   WHERE l.origin = 'own' AND l.created_at < %(made_before)s::timestamptz
     AND (%(of_kind)s::text IS NULL OR l.kind = %(of_kind)s::text) AND j.state = %(of_state)s::text
   ORDER BY l.seq LIMIT %(batch)s
)
SELECT coalesce((SELECT jsonb_agg(id ORDER BY seq) FROM matching), '[]') AS jobs,
       CASE WHEN (SELECT count(*) FROM matching) = %(batch)s THEN (SELECT max(seq) FROM matching)
            WHEN (SELECT count(*) FROM looked) = %(window)s THEN (SELECT max(seq) FROM looked)
            ELSE %(up_to)s::bigint END AS looked_to

-- name: note_bulk_batch
-- Keeps how far an act is; the one that has looked at everything is done.
WITH moved AS (
  UPDATE watchkeeper.bulk_acts
     SET looked_to = %(looked_to)s, done = done + %(done)s, skipped = skipped + %(skipped)s, moved_at = watchkeeper.now(),
         state = CASE WHEN %(looked_to)s >= up_to THEN 'done' ELSE state END,
         ended_at = CASE WHEN %(looked_to)s >= up_to THEN watchkeeper.now() END
   WHERE project_id = %(project_id)s AND id = %(id)s RETURNING *
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, reason, data)
  SELECT project_id, 'bulk_act_ended', actor, reason, jsonb_build_object('bulk_act', id, 'done', done, 'skipped', skipped)
    FROM moved WHERE state = 'done'
)
SELECT state FROM moved
