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
  INSERT INTO watchkeeper.audit_events (at, project_id, event, actor, job_seq, new_state, data)
  SELECT clock.now, %(project_id)s, 'jobs_enqueued', %(actor)s, CASE WHEN b.size = 1 THEN b.seqs[1] END, 'pending',
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
-- The job of a foreign id.
SELECT seq, id FROM watchkeeper.job_specs
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
  INSERT INTO watchkeeper.audit_events (at, project_id, event, actor, job_seq, new_state, data)
  SELECT clock.now, %(project_id)s, 'jobs_enqueued', %(actor)s, s.seq, 'pending',
         CASE WHEN %(retry_of)s::uuid IS NOT NULL THEN jsonb_build_object('retry_of', %(retry_of)s::uuid) END
    FROM spec s CROSS JOIN clock
)
SELECT s.seq, s.id,
       (SELECT pg_notify('watchkeeper_ready', %(project_id)s)
         WHERE EXISTS (SELECT FROM watchkeeper.sleepers WHERE project_id = %(project_id)s)) AS woken
  FROM spec s

-- name: lock_limited_kinds
-- Serialises the claims of kinds that have a concurrency limit, before the claim counts their leases.
SELECT kind FROM watchkeeper.job_kinds
 WHERE project_id = %(project_id)s AND concurrency IS NOT NULL
   AND (%(kinds)s::text[] IS NULL OR kind = ANY (%(kinds)s::text[]))
 ORDER BY kind
   FOR NO KEY UPDATE

-- name: claim
-- Takes the next jobs of the given kinds (NULL: of any): ready rows become leases with a new epoch and a new secret.
WITH clock AS MATERIALIZED (
  SELECT watchkeeper.now() AS now
), open_kinds AS (
  SELECT k.kind, k.contract, k.hard_cap_minutes, k.progress_deadline_minutes, k.tool_limit_minutes,
         coalesce(k.lease_seconds, CASE coalesce(k.lease, %(profile)s) WHEN 'session' THEN %(session_seconds)s::int
                                   ELSE %(runtime_seconds)s::int END) AS lease_seconds,
         CASE WHEN k.concurrency IS NULL THEN %(limit)s::int
              ELSE greatest(0, k.concurrency - (SELECT count(*) FROM watchkeeper.leases l
                                                 WHERE l.project_id = %(project_id)s AND l.kind = k.kind)) END AS free
    FROM watchkeeper.job_kinds k
    JOIN watchkeeper.projects p ON p.project_id = k.project_id AND p.paused_at IS NULL
   WHERE k.project_id = %(project_id)s AND k.paused_at IS NULL
     AND (%(kinds)s::text[] IS NULL OR k.kind = ANY (%(kinds)s::text[]))
     AND EXISTS (SELECT FROM watchkeeper.switches w WHERE w.name = 'claims' AND w.is_on)
     AND NOT EXISTS (SELECT FROM watchkeeper.workers w
                      WHERE w.project_id = %(project_id)s AND w.worker_id = %(worker_id)s
                        AND (w.stopped_at IS NOT NULL OR w.draining
                             OR EXISTS (SELECT FROM watchkeeper.pool_parks q
                                         WHERE q.project_id = w.project_id AND q.pool = w.pool
                                           AND q.until > (SELECT now FROM clock))))
), picked AS MATERIALIZED (
  SELECT r.tid
    FROM open_kinds k
   CROSS JOIN LATERAL (
     SELECT r.ctid AS tid, r.priority, r.seq
       FROM watchkeeper.ready_jobs r
      WHERE r.project_id = %(project_id)s AND r.kind = k.kind
      ORDER BY r.priority DESC, r.seq
      LIMIT least(k.free, %(limit)s::int)
        FOR UPDATE SKIP LOCKED) r
   ORDER BY r.priority DESC, r.seq
   LIMIT %(limit)s::int
), taken AS (
  DELETE FROM watchkeeper.ready_jobs WHERE ctid = ANY (ARRAY(SELECT tid FROM picked))
  RETURNING kind, priority, seq, epoch + 1 AS epoch, agent_errors, lost_leases
), batch AS MATERIALIZED (
  -- 244 random bits a claim; each lease's secret is their hash with its job, which tells nothing of another's.
  SELECT uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) AS key
), minted AS MATERIALIZED (
  SELECT s.*, sha256(s.secret::bytea) AS token_hash
    FROM (
  SELECT t.*, k.lease_seconds, k.contract, k.hard_cap_minutes, k.progress_deadline_minutes, k.tool_limit_minutes,
         clock.now, encode(substr(sha256(batch.key || int8send(t.seq)), 1, 18), 'hex') AS secret
    FROM taken t JOIN open_kinds k ON k.kind = t.kind CROSS JOIN clock CROSS JOIN batch) s
), leased AS (
  INSERT INTO watchkeeper.leases (project_id, seq, kind, priority, epoch, agent_errors, lost_leases, worker_id,
                                  token_hash, profile, lease_seconds, claimed_at, renewed_at, expires_at)
  SELECT %(project_id)s, seq, kind, priority, epoch, agent_errors, lost_leases, %(worker_id)s,
         token_hash, %(profile)s, lease_seconds, now, now, now + make_interval(secs => lease_seconds)
    FROM minted
), audited AS (
  INSERT INTO watchkeeper.audit_events (at, project_id, event, actor, job_seq, epoch, old_state, new_state)
  SELECT now, %(project_id)s, 'job_claimed', %(actor)s, seq, epoch, 'pending', 'running' FROM minted
)
SELECT m.seq, s.id::text AS id, m.kind, %(project_id)s::text AS project_id, s.payload::text AS payload,
       coalesce(s.contract, m.contract) AS contract, m.epoch, m.secret, m.token_hash, m.lease_seconds,
       m.now + make_interval(secs => m.lease_seconds) AS expires_at, s.external_id, s.deliverable_id, s.is_shadow,
       m.hard_cap_minutes, m.progress_deadline_minutes, m.tool_limit_minutes
  FROM minted m
 CROSS JOIN LATERAL (SELECT j.id, j.payload, j.contract, j.external_id, j.deliverable_id, j.is_shadow
                       FROM watchkeeper.job_specs j
                      WHERE j.project_id = %(project_id)s AND j.seq = m.seq LIMIT 1) s
 ORDER BY m.priority DESC, m.seq

-- Leases are matched by arrays that are sorted by seq: width_bucket() finds a lease's place in them by binary search;
-- the hashes of their tokens come as one string of 32 bytes each.
-- A join with unnest() would be left to a planner that takes the lease table for empty, and pairs each with each.

-- name: renew
-- Renews leases by their tokens; a row for each that was still held, with the wishes for its holder.
UPDATE watchkeeper.leases l
   SET renewed_at = clock.now, expires_at = clock.now + make_interval(secs => l.lease_seconds)
  FROM (SELECT watchkeeper.now() AS now) clock
 WHERE l.project_id = %(project_id)s AND l.seq = ANY (%(seqs)s::bigint[])
   AND l.epoch = (%(epochs)s::int[])[width_bucket(l.seq, %(seqs)s::bigint[])]
   AND l.token_hash = substr(%(token_hashes)s::bytea, width_bucket(l.seq, %(seqs)s::bigint[]) * 32 - 31, 32)
RETURNING l.seq, l.expires_at, l.cancel_requested_at IS NOT NULL AS cancel_requested,
          extract(epoch FROM clock.now - coalesce(l.progress_at, l.claimed_at))::float8 AS progress_age_seconds

-- name: use_lease
-- Marks a lease as used, renews it, and keeps phase and progress; no row for a lease that is not held.
UPDATE watchkeeper.leases l
   SET renewed_at = clock.now, expires_at = clock.now + make_interval(secs => l.lease_seconds),
       used_at = coalesce(l.used_at, clock.now),
       progress_at = CASE WHEN %(progressed)s THEN clock.now ELSE l.progress_at END,
       phase = coalesce(%(phase)s, l.phase)
  FROM (SELECT watchkeeper.now() AS now) clock
 WHERE l.project_id = %(project_id)s AND l.seq = %(seq)s AND l.epoch = %(epoch)s AND l.token_hash = %(token_hash)s
RETURNING l.seq, l.kind, l.epoch, l.worker_id, l.expires_at, l.lease_seconds, l.cancel_requested_at IS NOT NULL AS cancel_requested

-- name: use_lease_of_job_token
-- The same for a job token, which is bound to the epoch and needs no lease token.
UPDATE watchkeeper.leases l
   SET renewed_at = clock.now, expires_at = clock.now + make_interval(secs => l.lease_seconds),
       used_at = coalesce(l.used_at, clock.now),
       progress_at = CASE WHEN %(progressed)s THEN clock.now ELSE l.progress_at END,
       phase = coalesce(%(phase)s, l.phase)
  FROM (SELECT watchkeeper.now() AS now) clock
 WHERE l.project_id = %(project_id)s AND l.seq = %(seq)s AND l.epoch = %(epoch)s
RETURNING l.seq, l.kind, l.epoch, l.worker_id, l.token_hash, l.expires_at, l.lease_seconds,
          l.cancel_requested_at IS NOT NULL AS cancel_requested

-- name: session_leases
-- What a contract worker holds, for redelivery and for the one-job rule.
SELECT l.seq, s.id::text AS id, l.kind, l.project_id, s.payload::text AS payload_text,
       coalesce(s.contract, k.contract) AS contract, l.epoch, l.lease_seconds, l.expires_at AS lease_expires_at,
       s.external_id, s.deliverable_id, s.is_shadow, k.hard_cap_minutes, k.progress_deadline_minutes, k.tool_limit_minutes,
       l.used_at IS NOT NULL AS used
  FROM watchkeeper.leases l
  JOIN watchkeeper.job_specs s ON s.project_id = l.project_id AND s.seq = l.seq
  LEFT JOIN watchkeeper.job_kinds k ON k.project_id = l.project_id AND k.kind = l.kind
 WHERE l.project_id = %(project_id)s AND l.worker_id = %(worker_id)s AND l.profile = 'session'
 ORDER BY l.seq
   FOR UPDATE OF l

-- name: unknown_leases
-- Unused leases of a runtime worker that it does not know of: the answers that carried them were lost.
SELECT l.seq, s.id::text AS id, l.kind, l.project_id, s.payload::text AS payload_text,
       coalesce(s.contract, k.contract) AS contract, l.epoch, l.lease_seconds, l.expires_at AS lease_expires_at,
       s.external_id, s.deliverable_id, s.is_shadow, k.hard_cap_minutes, k.progress_deadline_minutes, k.tool_limit_minutes
  FROM watchkeeper.leases l
  JOIN watchkeeper.job_specs s ON s.project_id = l.project_id AND s.seq = l.seq
  LEFT JOIN watchkeeper.job_kinds k ON k.project_id = l.project_id AND k.kind = l.kind
 WHERE l.project_id = %(project_id)s AND l.worker_id = %(worker_id)s AND l.profile = 'runtime' AND l.used_at IS NULL
   AND s.id <> ALL (%(held)s::uuid[])
 ORDER BY l.seq LIMIT %(limit)s
   FOR UPDATE OF l

-- name: redeliver
-- Hands an unused lease out again under a new secret: the answer that carried the first may have been lost.
WITH again AS (
  UPDATE watchkeeper.leases l
     SET token_hash = %(token_hash)s, renewed_at = clock.now,
         expires_at = clock.now + make_interval(secs => l.lease_seconds)
    FROM (SELECT watchkeeper.now() AS now) clock
   WHERE l.project_id = %(project_id)s AND l.seq = %(seq)s AND l.epoch = %(epoch)s AND l.used_at IS NULL
  RETURNING l.seq, l.epoch, l.expires_at
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, job_seq, epoch, old_state, new_state)
  SELECT %(project_id)s, 'lease_redelivered', %(actor)s, seq, epoch, 'running', 'running' FROM again
)
SELECT expires_at FROM again

-- name: lock_held_leases
-- Locks leases by their tokens and gives what decides where their jobs go when the attempt ends.
SELECT l.seq, l.epoch, l.token_hash, l.kind, l.agent_errors, l.lost_leases, l.cancel_requested_at IS NOT NULL AS cancel_requested,
       coalesce(k.on_lost, 'hold') AS on_lost, coalesce(k.max_attempts, 3) AS max_attempts,
       coalesce(k.max_lost_leases, 3) AS max_lost_leases,
       (SELECT count(*) FROM watchkeeper.closed_attempts a
         WHERE a.project_id = l.project_id AND a.seq = l.seq AND a.cause = 'gate') AS gate_failures
  FROM watchkeeper.leases l
  LEFT JOIN watchkeeper.job_kinds k ON k.project_id = l.project_id AND k.kind = l.kind
 WHERE l.project_id = %(project_id)s AND l.seq = ANY (%(seqs)s::bigint[])
   AND l.epoch = (%(epochs)s::int[])[width_bucket(l.seq, %(seqs)s::bigint[])]
   AND l.token_hash = substr(%(token_hashes)s::bytea, width_bucket(l.seq, %(seqs)s::bigint[]) * 32 - 31, 32)
   FOR UPDATE OF l

-- name: lock_lease_of_job
-- Locks the lease of one job, whoever holds it: for an operator's act.
SELECT l.seq, l.epoch, l.token_hash, l.kind, l.worker_id, l.agent_errors, l.lost_leases,
       coalesce(k.on_lost, 'hold') AS on_lost, coalesce(k.max_attempts, 3) AS max_attempts,
       coalesce(k.max_lost_leases, 3) AS max_lost_leases
  FROM watchkeeper.leases l
  LEFT JOIN watchkeeper.job_kinds k ON k.project_id = l.project_id AND k.kind = l.kind
 WHERE l.project_id = %(project_id)s AND l.seq = %(seq)s
   FOR UPDATE OF l

-- name: complete_jobs
-- Ends attempts as completed: lease, attempt, outcome, audit; a row for each lease that was still held.
WITH clock AS MATERIALIZED (
  SELECT watchkeeper.now() AS now
), ended AS (
  DELETE FROM watchkeeper.leases l
   WHERE l.project_id = %(project_id)s AND l.seq = ANY (%(seqs)s::bigint[])
     AND l.epoch = (%(epochs)s::int[])[width_bucket(l.seq, %(seqs)s::bigint[])]
     AND l.token_hash = substr(%(token_hashes)s::bytea, width_bucket(l.seq, %(seqs)s::bigint[]) * 32 - 31, 32)
  RETURNING l.seq, l.epoch, l.worker_id, l.token_hash, l.claimed_at, width_bucket(l.seq, %(seqs)s::bigint[]) AS n
), closed AS (
  INSERT INTO watchkeeper.closed_attempts (project_id, seq, epoch, worker_id, outcome, token_hash, started_at, ended_at)
  SELECT %(project_id)s, e.seq, e.epoch, e.worker_id, 'completed', e.token_hash, e.claimed_at, clock.now
    FROM ended e CROSS JOIN clock
), outcomes AS (
  INSERT INTO watchkeeper.job_outcomes (project_id, seq, state, verified, summary, epoch, finished_at)
  SELECT %(project_id)s, e.seq, 'completed', coalesce((%(verified)s::text[])[e.n], 'none'), (%(summaries)s::text[])[e.n], e.epoch, clock.now
    FROM ended e CROSS JOIN clock
), freed AS (
  DELETE FROM watchkeeper.unique_keys u USING ended e WHERE u.project_id = %(project_id)s AND u.seq = e.seq
), audited AS (
  INSERT INTO watchkeeper.audit_events (at, project_id, event, actor, job_seq, epoch, old_state, new_state, output_hash)
  SELECT clock.now, %(project_id)s, 'complete_succeeded', %(actor)s, e.seq, e.epoch, 'running', 'completed',
         (%(output_hashes)s::text[])[e.n]
    FROM ended e CROSS JOIN clock
)
SELECT seq, epoch FROM ended

-- name: end_attempts
-- Ends attempts in any other way: the job goes where the caller decided; a row for each lease that was still held.
WITH clock AS MATERIALIZED (
  SELECT watchkeeper.now() AS now
), deleted AS (
  DELETE FROM watchkeeper.leases l
   WHERE l.project_id = %(project_id)s AND l.seq = ANY (%(seqs)s::bigint[])
     AND l.epoch = (%(epochs)s::int[])[width_bucket(l.seq, %(seqs)s::bigint[])]
     AND l.token_hash = substr(%(token_hashes)s::bytea, width_bucket(l.seq, %(seqs)s::bigint[]) * 32 - 31, 32)
  RETURNING l.seq, l.epoch, l.kind, l.priority, l.worker_id, l.token_hash, l.claimed_at,
            width_bucket(l.seq, %(seqs)s::bigint[]) AS n
), ended AS MATERIALIZED (
  SELECT d.seq, d.epoch, d.kind, d.priority, d.worker_id, d.token_hash, d.claimed_at,
         (%(states)s::text[])[n] AS state, (%(state_reasons)s::text[])[n] AS state_reason, (%(codes)s::text[])[n] AS code,
         (%(delays)s::double precision[])[n] AS delay, (%(outcomes)s::text[])[n] AS outcome,
         (%(causes)s::text[])[n] AS cause, (%(errors)s::text[])[n] AS error,
         (%(agent_errors)s::smallint[])[n] AS agent_errors, (%(lost_leases)s::smallint[])[n] AS lost_leases,
         (%(events)s::text[])[n] AS event
    FROM deleted d
), closed AS (
  INSERT INTO watchkeeper.closed_attempts (project_id, seq, epoch, worker_id, outcome, cause, error, token_hash, answer,
                                           started_at, ended_at)
  SELECT %(project_id)s, e.seq, e.epoch, e.worker_id, e.outcome, e.cause, e.error, e.token_hash,
         jsonb_build_object('status', e.state, 'state_reason', e.state_reason, 'by', %(actor)s::text, 'next_run_at',
           CASE WHEN e.state = 'pending' THEN clock.now + make_interval(secs => e.delay) END),
         e.claimed_at, clock.now
    FROM ended e CROSS JOIN clock
), ready AS (
  INSERT INTO watchkeeper.ready_jobs (project_id, kind, priority, seq, epoch, agent_errors, lost_leases, ready_at)
  SELECT %(project_id)s, e.kind, e.priority, e.seq, e.epoch, e.agent_errors, e.lost_leases, clock.now
    FROM ended e CROSS JOIN clock WHERE e.state = 'pending' AND e.delay <= 0
), scheduled AS (
  INSERT INTO watchkeeper.scheduled_jobs (project_id, seq, kind, priority, epoch, agent_errors, lost_leases, run_at)
  SELECT %(project_id)s, e.seq, e.kind, e.priority, e.epoch, e.agent_errors, e.lost_leases,
         clock.now + make_interval(secs => e.delay)
    FROM ended e CROSS JOIN clock WHERE e.state = 'pending' AND e.delay > 0
), held AS (
  INSERT INTO watchkeeper.held_jobs (project_id, seq, kind, priority, epoch, agent_errors, lost_leases, state,
                                     state_reason, detail, held_by, held_at)
  SELECT %(project_id)s, e.seq, e.kind, e.priority, e.epoch, e.agent_errors, e.lost_leases, e.state, e.state_reason,
         %(detail)s::text::jsonb, %(actor)s, clock.now
    FROM ended e CROSS JOIN clock WHERE e.state IN ('stuck', 'paused')
), outcomes AS (
  INSERT INTO watchkeeper.job_outcomes (project_id, seq, state, state_reason, code, summary, epoch, finished_at)
  SELECT %(project_id)s, e.seq, e.state, e.state_reason, e.code, e.error, e.epoch, clock.now
    FROM ended e CROSS JOIN clock WHERE e.state IN ('failed', 'cancelled')
), freed AS (
  DELETE FROM watchkeeper.unique_keys u USING ended e
   WHERE u.project_id = %(project_id)s AND u.seq = e.seq AND e.state IN ('failed', 'cancelled')
), audited AS (
  INSERT INTO watchkeeper.audit_events (at, project_id, event, actor, job_seq, epoch, old_state, new_state, reason, data,
                                        output_hash)
  SELECT clock.now, %(project_id)s, e.event, %(actor)s, e.seq, e.epoch, 'running', e.state, e.error,
         jsonb_strip_nulls(jsonb_build_object('cause', e.cause, 'state_reason', e.state_reason, 'code', e.code,
                                              'worker_id', e.worker_id)), %(output_hash)s
    FROM ended e CROSS JOIN clock
)
SELECT e.seq, e.epoch, e.state, e.worker_id,
       CASE WHEN e.state = 'pending' THEN clock.now + make_interval(secs => e.delay) END AS next_run_at,
       (SELECT pg_notify('watchkeeper_ready', %(project_id)s)
         WHERE EXISTS (SELECT FROM watchkeeper.sleepers WHERE project_id = %(project_id)s)
           AND EXISTS (SELECT FROM ended WHERE state = 'pending' AND delay <= 0)) AS woken
  FROM ended e CROSS JOIN clock

-- name: ended_attempt
-- How an attempt ended, by the token that it was held with: the record that makes terminal commands repeatable.
SELECT a.outcome, a.cause, a.answer, o.verified,
       (SELECT c.failed FROM watchkeeper.artifact_checks c
         WHERE c.project_id = a.project_id AND c.seq = a.seq AND c.epoch = a.epoch AND c.command = 'complete'
         ORDER BY c.id DESC LIMIT 1) AS failed
  FROM watchkeeper.closed_attempts a
  LEFT JOIN watchkeeper.job_outcomes o ON o.project_id = a.project_id AND o.seq = a.seq AND o.epoch = a.epoch
 WHERE a.project_id = %(project_id)s AND a.seq = %(seq)s AND a.epoch = %(epoch)s
   AND (%(token_hash)s::bytea IS NULL OR a.token_hash = %(token_hash)s::bytea)

-- name: move_waiting_job
-- Moves one job that does not run from any of the states given to another; no row where it stands elsewhere.
WITH clock AS MATERIALIZED (
  SELECT watchkeeper.now() AS now
), from_ready AS (
  DELETE FROM watchkeeper.ready_jobs r USING watchkeeper.job_specs s
   WHERE s.project_id = %(project_id)s AND s.seq = %(seq)s AND 'pending' = ANY (%(from_states)s::text[])
     AND r.project_id = s.project_id AND r.kind = s.kind AND r.priority = s.priority AND r.seq = s.seq
  RETURNING r.seq, r.kind, r.priority, r.epoch, r.agent_errors, r.lost_leases, 'pending' AS old_state
), from_scheduled AS (
  DELETE FROM watchkeeper.scheduled_jobs d
   WHERE d.project_id = %(project_id)s AND d.seq = %(seq)s AND 'pending' = ANY (%(from_states)s::text[])
  RETURNING d.seq, d.kind, d.priority, d.epoch, d.agent_errors, d.lost_leases, 'pending' AS old_state
), from_held AS (
  DELETE FROM watchkeeper.held_jobs h
   WHERE h.project_id = %(project_id)s AND h.seq = %(seq)s AND h.state = ANY (%(from_states)s::text[])
  RETURNING h.seq, h.kind, h.priority, h.epoch, h.agent_errors, h.lost_leases, h.state AS old_state
), moved AS MATERIALIZED (
  -- A job that was asked for at a time keeps it through a pause.
  SELECT f.*, s.run_at
    FROM (SELECT * FROM from_ready UNION ALL SELECT * FROM from_scheduled UNION ALL SELECT * FROM from_held) f
    JOIN watchkeeper.job_specs s ON s.project_id = %(project_id)s AND s.seq = f.seq
), ready AS (
  INSERT INTO watchkeeper.ready_jobs (project_id, kind, priority, seq, epoch, agent_errors, lost_leases, ready_at)
  SELECT %(project_id)s, m.kind, m.priority, m.seq, m.epoch, 0, 0, clock.now
    FROM moved m CROSS JOIN clock WHERE %(to_state)s = 'pending' AND coalesce(m.run_at, clock.now) <= clock.now
), scheduled AS (
  INSERT INTO watchkeeper.scheduled_jobs (project_id, seq, kind, priority, epoch, agent_errors, lost_leases, run_at)
  SELECT %(project_id)s, m.seq, m.kind, m.priority, m.epoch, 0, 0, m.run_at
    FROM moved m CROSS JOIN clock WHERE %(to_state)s = 'pending' AND m.run_at > clock.now
), held AS (
  INSERT INTO watchkeeper.held_jobs (project_id, seq, kind, priority, epoch, agent_errors, lost_leases, state,
                                     state_reason, detail, held_by, held_at)
  SELECT %(project_id)s, m.seq, m.kind, m.priority, m.epoch, m.agent_errors, m.lost_leases, %(to_state)s, %(state_reason)s,
         jsonb_build_object('reason', %(reason)s::text), %(actor)s, clock.now
    FROM moved m CROSS JOIN clock WHERE %(to_state)s IN ('stuck', 'paused')
), outcomes AS (
  INSERT INTO watchkeeper.job_outcomes (project_id, seq, state, state_reason, summary, epoch, finished_at)
  SELECT %(project_id)s, m.seq, %(to_state)s, %(state_reason)s, %(reason)s, m.epoch, clock.now
    FROM moved m CROSS JOIN clock WHERE %(to_state)s IN ('failed', 'cancelled')
), freed AS (
  DELETE FROM watchkeeper.unique_keys u USING moved m
   WHERE u.project_id = %(project_id)s AND u.seq = m.seq AND %(to_state)s IN ('failed', 'cancelled')
), audited AS (
  INSERT INTO watchkeeper.audit_events (at, project_id, event, actor, job_seq, epoch, old_state, new_state, reason)
  SELECT clock.now, %(project_id)s, %(event)s, %(actor)s, m.seq, m.epoch, m.old_state, %(to_state)s, %(reason)s
    FROM moved m CROSS JOIN clock
)
SELECT m.seq, m.old_state,
       (SELECT pg_notify('watchkeeper_ready', %(project_id)s)
         WHERE %(to_state)s = 'pending'
           AND EXISTS (SELECT FROM watchkeeper.sleepers WHERE project_id = %(project_id)s)) AS woken
  FROM moved m

-- name: request_cancel
-- Asks the holder of a running job to stop it; its next renewal or contract command tells it.
WITH asked AS (
  UPDATE watchkeeper.leases
     SET cancel_requested_at = coalesce(cancel_requested_at, watchkeeper.now()), cancel_requested_by = %(actor)s,
         cancel_reason = %(reason)s
   WHERE project_id = %(project_id)s AND seq = %(seq)s
  RETURNING seq, epoch
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, job_seq, epoch, old_state, new_state, reason)
  SELECT %(project_id)s, 'cancel_requested', %(actor)s, seq, epoch, 'running', 'running', %(reason)s FROM asked
)
SELECT seq FROM asked

-- name: find_job
-- One job by its id, as the readers' view shows it.
SELECT j.* FROM watchkeeper.jobs j
 WHERE j.project_id = %(project_id)s AND j.id = %(id)s::uuid

-- name: find_job_by_external_id
-- One job by its foreign id, whatever its origin; the newest where several origins share it.
SELECT j.* FROM watchkeeper.jobs j
 WHERE j.project_id = %(project_id)s AND j.external_id = %(external_id)s
 ORDER BY j.seq DESC LIMIT 1

-- name: job_seq
-- The number of a job by its id.
SELECT id, seq, kind FROM watchkeeper.job_specs WHERE project_id = %(project_id)s AND id = %(id)s::uuid

-- name: job_seq_by_external_id
-- The number of a job by its foreign id.
SELECT id, seq, kind FROM watchkeeper.job_specs WHERE project_id = %(project_id)s AND external_id = %(external_id)s
 ORDER BY seq DESC LIMIT 1

-- name: job_spec_texts
-- A job as it was asked for, its documents as text, to ask for it again.
SELECT kind, payload::text AS payload, contract::text AS contract, priority, unique_key, deliverable_id, is_shadow,
       secret_suspected
  FROM watchkeeper.job_specs WHERE project_id = %(project_id)s AND seq = %(seq)s
