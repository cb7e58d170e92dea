-- name: enqueue
-- Adds jobs without keys, in the order given: spec, ready or scheduled row, one audit row; wakes sleepers.
WITH clock AS MATERIALIZED (
  SELECT now, lpad(to_hex((extract(epoch FROM now) * 1000)::bigint), 12, '0') AS milliseconds,
         ('x' || right(gen_random_uuid()::text, 12))::bit(48)::bigint AS seed
    FROM (SELECT watchkeeper.now() AS now) t
), input AS MATERIALIZED (
  -- One array of documents is read faster than an array of texts; a short list of kinds stands for all that follow.
  SELECT nextval('watchkeeper.job_specs_seq_seq') AS seq, watchkeeper.uuid7_of(clock.milliseconds, clock.seed, i.n) AS id,
         coalesce((%(kinds)s::text[])[i.n], (%(kinds)s::text[])[1]) AS kind, i.payload,
         (%(contracts)s::text[])[i.n] AS contract, (%(priorities)s::smallint[])[i.n] AS priority,
         (%(run_ats)s::timestamptz[])[i.n] AS run_at, (%(deliverable_ids)s::text[])[i.n] AS deliverable_id,
         coalesce((%(secret_suspected)s::boolean[])[i.n], false) AS secret_suspected
    FROM clock CROSS JOIN jsonb_array_elements(%(payloads)s::text::jsonb) WITH ORDINALITY AS i(payload, n)
), new_kinds AS (
  INSERT INTO watchkeeper.job_kinds (project_id, kind)
  SELECT %(project_id)s, kind FROM unnest(%(distinct_kinds)s::text[]) AS kind
  ON CONFLICT DO NOTHING
), ranked AS MATERIALIZED (
  SELECT i.seq, i.id, i.kind, i.payload, i.contract, i.run_at, i.deliverable_id, i.secret_suspected,
         coalesce(i.priority, k.priority, 0)::smallint AS priority
    FROM input i
    LEFT JOIN watchkeeper.job_kinds k ON k.project_id = %(project_id)s AND k.kind = i.kind
), specs AS (
  INSERT INTO watchkeeper.job_specs (project_id, seq, id, kind, payload, contract, priority, run_at, deliverable_id,
                                     is_shadow, secret_suspected, enqueued_by, created_at)
  SELECT %(project_id)s, r.seq, r.id, r.kind, r.payload, r.contract::jsonb, r.priority, r.run_at, r.deliverable_id,
         %(is_shadow)s OR coalesce((SELECT force_shadow FROM watchkeeper.projects WHERE project_id = %(project_id)s), false),
         r.secret_suspected, %(actor)s, clock.now
    FROM ranked r CROSS JOIN clock
), ready AS (
  INSERT INTO watchkeeper.ready_jobs (project_id, kind, priority, seq, ready_at)
  SELECT %(project_id)s, r.kind, r.priority, r.seq, clock.now
    FROM ranked r CROSS JOIN clock WHERE r.run_at IS NULL OR r.run_at <= clock.now
), scheduled AS (
  INSERT INTO watchkeeper.scheduled_jobs (project_id, seq, kind, priority, run_at)
  SELECT %(project_id)s, r.seq, r.kind, r.priority, r.run_at
    FROM ranked r CROSS JOIN clock WHERE r.run_at > clock.now
), audited AS (
  -- One row for the batch; it names every job of it.
  INSERT INTO watchkeeper.audit_events (at, project_id, event, actor, job_seq, new_state, reason, data)
  SELECT clock.now, %(project_id)s, 'jobs_enqueued', %(actor)s, CASE WHEN b.size = 1 THEN b.seqs[1] END, 'pending',
         %(reason)s::text,
         CASE WHEN b.size > 1 THEN jsonb_build_object('job_seqs', to_jsonb(b.seqs)) END
    FROM clock CROSS JOIN (SELECT array_agg(seq) AS seqs, count(*) AS size FROM input) b
)
SELECT i.id::text AS id, i.seq, false AS existing,
       (SELECT pg_notify('watchkeeper_ready', %(project_id)s)
         WHERE EXISTS (SELECT FROM watchkeeper.sleepers WHERE project_id = %(project_id)s)) AS woken
  FROM input i ORDER BY i.seq

-- name: next_job_seq
-- Takes a number for a job whose keys must be placed before it.
SELECT nextval(pg_get_serial_sequence('watchkeeper.job_specs', 'seq')) AS seq

-- name: place_unique_key
-- Takes a unique key for a job; no row where an unfinished job holds it. Waits for one that is being written.
INSERT INTO watchkeeper.unique_keys (project_id, kind, unique_key, seq)
VALUES (%(project_id)s, %(kind)s, %(unique_key)s, %(seq)s)
ON CONFLICT DO NOTHING
RETURNING seq

-- name: drop_unique_key
-- Gives back a key that was taken for a job that was not made after all.
DELETE FROM watchkeeper.unique_keys WHERE project_id = %(project_id)s AND seq = %(seq)s

-- name: job_by_unique_key
-- The unfinished job that holds a unique key.
SELECT s.seq, s.id FROM watchkeeper.unique_keys u
  JOIN watchkeeper.job_specs s ON s.project_id = u.project_id AND s.seq = u.seq
 WHERE u.project_id = %(project_id)s AND u.kind = %(kind)s AND u.unique_key = %(unique_key)s

-- name: job_by_external_id
-- The job of a foreign id, and whether it asks for the same.
SELECT seq, id, kind = %(kind)s AND payload = %(payload)s::text::jsonb AS is_same FROM watchkeeper.job_specs
 WHERE project_id = %(project_id)s AND origin = %(origin)s AND external_id = %(external_id)s

-- name: ensure_kind
-- Makes an undeclared kind known, so that workers of all kinds find its jobs.
INSERT INTO watchkeeper.job_kinds (project_id, kind) VALUES (%(project_id)s, %(kind)s) ON CONFLICT DO NOTHING

-- name: enqueue_keyed
-- Adds one job that has a unique key, a foreign id or a job it retries; no row where the foreign id is taken.
WITH clock AS MATERIALIZED (
  SELECT watchkeeper.now() AS now
), spec AS (
  INSERT INTO watchkeeper.job_specs (project_id, seq, kind, payload, contract, priority, run_at, unique_key, external_id,
                                     origin, deliverable_id, is_shadow, secret_suspected, retry_of, enqueued_by, created_at)
  SELECT %(project_id)s, %(seq)s, %(kind)s, %(payload)s::text::jsonb, %(contract)s::text::jsonb,
         coalesce(%(priority)s::smallint, k.priority, 0), %(run_at)s::timestamptz, %(unique_key)s::text,
         %(external_id)s::text, %(origin)s, %(deliverable_id)s::text,
         %(is_shadow)s OR coalesce(p.force_shadow, false), %(secret_suspected)s, %(retry_of)s::uuid, %(actor)s, clock.now
    FROM clock
    LEFT JOIN watchkeeper.job_kinds k ON k.project_id = %(project_id)s AND k.kind = %(kind)s
    LEFT JOIN watchkeeper.projects p ON p.project_id = %(project_id)s
  ON CONFLICT (project_id, origin, external_id) WHERE external_id IS NOT NULL DO NOTHING
  RETURNING seq, id, kind, priority, run_at
), ready AS (
  INSERT INTO watchkeeper.ready_jobs (project_id, kind, priority, seq, ready_at)
  SELECT %(project_id)s, s.kind, s.priority, s.seq, clock.now
    FROM spec s CROSS JOIN clock WHERE s.run_at IS NULL OR s.run_at <= clock.now
), scheduled AS (
  INSERT INTO watchkeeper.scheduled_jobs (project_id, seq, kind, priority, run_at)
  SELECT %(project_id)s, s.seq, s.kind, s.priority, s.run_at
    FROM spec s CROSS JOIN clock WHERE s.run_at > clock.now
), audited AS (
  INSERT INTO watchkeeper.audit_events (at, project_id, event, actor, job_seq, new_state, reason, data)
  SELECT clock.now, %(project_id)s, 'jobs_enqueued', %(actor)s, s.seq, 'pending', %(reason)s::text,
         CASE WHEN %(retry_of)s::uuid IS NOT NULL THEN jsonb_build_object('retry_of', %(retry_of)s::uuid) END
    FROM spec s CROSS JOIN clock
)
SELECT s.seq, s.id,
       (SELECT pg_notify('watchkeeper_ready', %(project_id)s)
         WHERE EXISTS (SELECT FROM watchkeeper.sleepers WHERE project_id = %(project_id)s)) AS woken
  FROM spec s
