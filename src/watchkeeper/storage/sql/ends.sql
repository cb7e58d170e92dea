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
  INSERT INTO watchkeeper.closed_attempts (project_id, seq, epoch, worker_id, outcome, redacted, token_hash, started_at,
                                           ended_at)
  SELECT %(project_id)s, e.seq, e.epoch, e.worker_id, 'completed', string_to_array((%(redacted)s::text[])[e.n], ','),
         e.token_hash, e.claimed_at, clock.now
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
         (%(events)s::text[])[n] AS event, string_to_array((%(redacted)s::text[])[n], ',') AS redacted
    FROM deleted d
), closed AS (
  INSERT INTO watchkeeper.closed_attempts (project_id, seq, epoch, worker_id, outcome, cause, error, redacted, token_hash,
                                           answer, started_at, ended_at)
  SELECT %(project_id)s, e.seq, e.epoch, e.worker_id, e.outcome, e.cause, e.error, e.redacted, e.token_hash,
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
), told_watchdog AS (
  INSERT INTO watchkeeper.watchdog_inbox (project_id, family, seq, epoch)
  SELECT %(project_id)s, 'unfinished', e.seq, e.epoch FROM ended e
   WHERE e.cause = 'agent_error' AND e.state IN ('pending', 'stuck', 'paused')
)
SELECT e.seq, e.epoch, e.state, e.worker_id,
       CASE WHEN e.state = 'pending' THEN clock.now + make_interval(secs => e.delay) END AS next_run_at,
       (SELECT pg_notify('watchkeeper_ready', %(project_id)s)
         WHERE EXISTS (SELECT FROM watchkeeper.sleepers WHERE project_id = %(project_id)s)
           AND EXISTS (SELECT FROM ended WHERE state = 'pending' AND delay <= 0)) AS woken
  FROM ended e CROSS JOIN clock

-- name: ended_attempt
-- How an attempt ended, by the token that it was held with: the record that makes terminal commands repeatable. Failed checks are
-- those of a completion with the artifacts that claimed_hash stands for, where one is given.
SELECT a.outcome, a.cause, a.answer, o.verified,
       (SELECT c.failed FROM watchkeeper.artifact_checks c
         WHERE c.project_id = a.project_id AND c.seq = a.seq AND c.epoch = a.epoch AND c.command = 'complete' AND NOT c.passed
           AND (%(claimed_hash)s::text IS NULL OR c.claimed_hash IS NULL OR c.claimed_hash = %(claimed_hash)s::text)
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
