-- name: register_worker
-- Makes or renews a worker's row; what a person set on it (stopped, draining) stays.
INSERT INTO watchkeeper.workers (project_id, worker_id, profile, slots, kinds, role, pool, persona, host_id, version,
                                 registered_at, last_seen_at)
VALUES (%(project_id)s, %(worker_id)s, %(profile)s, %(slots)s, %(kinds)s::text[], %(role)s::text, %(pool)s, %(persona)s::text,
        %(host_id)s::text, %(version)s::text, watchkeeper.now(), watchkeeper.now())
ON CONFLICT (project_id, worker_id) DO UPDATE
   SET profile = excluded.profile, slots = excluded.slots, kinds = excluded.kinds, role = excluded.role, pool = excluded.pool,
       persona = excluded.persona, host_id = excluded.host_id, version = excluded.version,
       registered_at = excluded.registered_at, last_seen_at = excluded.last_seen_at, gone_at = NULL
RETURNING worker_id, stopped_at IS NOT NULL AS stopped, stop_reason, draining

-- name: see_worker
-- Notes that a worker was heard of, making its row at the first time; gives what it must know.
INSERT INTO watchkeeper.workers (project_id, worker_id, profile, kinds, last_seen_at)
VALUES (%(project_id)s, %(worker_id)s, %(profile)s, %(kinds)s::text[], watchkeeper.now())
ON CONFLICT (project_id, worker_id) DO UPDATE
   SET last_seen_at = excluded.last_seen_at, gone_at = NULL, kinds = coalesce(excluded.kinds, workers.kinds)
RETURNING worker_id, profile, slots, pool, no_job_count, stopped_at IS NOT NULL AS stopped, stop_reason, draining,
          touch_requested_at IS NOT NULL AS touch_requested, doctor_ok, touched_at

-- name: touch_worker
-- Notes a touch: answers a request for one.
UPDATE watchkeeper.workers
   SET touched_at = watchkeeper.now(), automation_id = coalesce(%(automation_id)s::text, automation_id),
       touch_requested_at = NULL, last_seen_at = watchkeeper.now(), gone_at = NULL
 WHERE project_id = %(project_id)s AND worker_id = %(worker_id)s
RETURNING doctor_ok, doctor_answer, stopped_at IS NOT NULL AS stopped

-- name: note_doctor
-- Notes what a worker's doctor found.
UPDATE watchkeeper.workers SET doctor_ok = %(ok)s, doctor_answer = %(answer)s::text::jsonb, last_seen_at = watchkeeper.now()
 WHERE project_id = %(project_id)s AND worker_id = %(worker_id)s
RETURNING touched_at IS NOT NULL AS touched

-- name: note_claim
-- Counts claims without a job in a row and keeps what they declined; a contract worker's claim is part of its last round.
WITH round AS (
  UPDATE watchkeeper.worker_heartbeats b
     SET claim_ok = true, current_job_id = coalesce(b.current_job_id, %(job_id)s::uuid)
   WHERE b.project_id = %(project_id)s
     AND b.id = (SELECT h.id FROM watchkeeper.workers w
                   JOIN watchkeeper.worker_heartbeats h ON h.project_id = w.project_id AND h.worker_id = w.worker_id
                  WHERE w.project_id = %(project_id)s AND w.worker_id = %(worker_id)s AND w.profile = 'session'
                  ORDER BY h.id DESC LIMIT 1)
     AND (b.claim_ok IS NOT TRUE OR (b.current_job_id IS NULL AND %(job_id)s::uuid IS NOT NULL))
)
UPDATE watchkeeper.workers
   SET no_job_count = CASE WHEN %(found)s THEN 0 ELSE no_job_count + 1 END,
       declined = CASE WHEN %(found)s THEN NULL ELSE %(declined)s::text::jsonb END,
       declined_at = CASE WHEN %(found)s THEN NULL ELSE watchkeeper.now() END
 WHERE project_id = %(project_id)s AND worker_id = %(worker_id)s
RETURNING no_job_count

-- name: worker_leases
-- How many jobs a worker holds.
SELECT count(*) AS held FROM watchkeeper.leases WHERE project_id = %(project_id)s AND worker_id = %(worker_id)s

-- name: fall_asleep
-- Notes that a worker waits for a wake-up.
INSERT INTO watchkeeper.sleepers (project_id, worker_id, kinds, since)
VALUES (%(project_id)s, %(worker_id)s, %(kinds)s::text[], watchkeeper.now())
ON CONFLICT (project_id, worker_id) DO UPDATE SET since = excluded.since, kinds = excluded.kinds

-- name: wake_up
-- Notes that a worker waits no more.
DELETE FROM watchkeeper.sleepers WHERE project_id = %(project_id)s AND worker_id = %(worker_id)s

-- name: set_worker_drained
-- Lets a worker finish what it holds and claim no more, or lets it claim again.
WITH changed AS (
  UPDATE watchkeeper.workers SET draining = %(draining)s
   WHERE project_id = %(project_id)s AND worker_id = %(worker_id)s
  RETURNING worker_id
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, reason, data)
  SELECT %(project_id)s, CASE WHEN %(draining)s THEN 'worker_drained' ELSE 'worker_resumed' END, %(actor)s, %(reason)s,
         jsonb_build_object('worker_id', worker_id) FROM changed
)
SELECT worker_id FROM changed

-- name: resume_worker
-- Lets a stopped or draining worker claim again. Who resumes one that was stopped as a silent loop takes care of that for a
-- day: only a verified artifact closes the incident, and the worker must work to bring one.
WITH changed AS (
  UPDATE watchkeeper.workers SET draining = false, stopped_at = NULL, stopped_by = NULL, stop_reason = NULL
   WHERE project_id = %(project_id)s AND worker_id = %(worker_id)s
  RETURNING worker_id
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, reason, data)
  SELECT %(project_id)s, 'worker_resumed', %(actor)s, %(reason)s, jsonb_build_object('worker_id', worker_id) FROM changed
), loops AS MATERIALIZED (
  SELECT i.id, i.state FROM watchkeeper.watchdog_incidents i
   WHERE i.project_id = %(project_id)s AND i.worker_id = (SELECT worker_id FROM changed) AND i.rule = 'silent_loop'
     AND i.state IN ('open', 'escalated', 'needs_human')
     FOR NO KEY UPDATE
), acknowledged AS (
  UPDATE watchkeeper.watchdog_incidents i
     SET state = 'acknowledged', acknowledged_from = l.state, acknowledged_by = %(actor)s,
         acknowledged_note = %(reason)s, acknowledged_until = watchkeeper.now() + interval '1 day'
    FROM loops l WHERE i.project_id = %(project_id)s AND i.id = l.id
  RETURNING i.id, l.state AS old_state, i.state, i.acknowledged_until
), told AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, old_state, new_state, reason, data)
  SELECT %(project_id)s, 'incident_acknowledged', %(actor)s, old_state, state, %(reason)s,
         jsonb_build_object('incident_id', id, 'rule', 'silent_loop', 'until', acknowledged_until) FROM acknowledged
)
SELECT worker_id FROM changed

-- name: park_pool
-- Parks a worker's pool until its quota resets: its workers claim nothing meanwhile.
WITH parked AS (
  INSERT INTO watchkeeper.pool_parks (project_id, pool, until, reason)
  SELECT w.project_id, w.pool, %(until)s, %(reason)s FROM watchkeeper.workers w
   WHERE w.project_id = %(project_id)s AND w.worker_id = %(worker_id)s
  ON CONFLICT (project_id, pool) DO UPDATE SET until = greatest(pool_parks.until, excluded.until), reason = excluded.reason
  RETURNING pool
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, reason, data)
  SELECT %(project_id)s, 'pool_parked', %(actor)s, %(reason)s, jsonb_build_object('pool', pool, 'until', %(until)s::timestamptz)
    FROM parked
)
SELECT pool FROM parked

-- name: record_heartbeat
-- Writes one round of a contract worker.
INSERT INTO watchkeeper.worker_heartbeats (project_id, worker_id, automation_id, status, doctor_ok, touch_ok, claim_ok,
                                           current_job_id, lease_expires_at, answers)
VALUES (%(project_id)s, %(worker_id)s, %(automation_id)s::text, %(status)s, %(doctor_ok)s::boolean, %(touch_ok)s::boolean,
        %(claim_ok)s::boolean, %(current_job_id)s::uuid, %(lease_expires_at)s::timestamptz, %(answers)s::text::jsonb)
RETURNING id

-- name: record_worker_run
-- Writes one phase of an attempt.
INSERT INTO watchkeeper.worker_runs (project_id, worker_id, job_id, epoch, phase, status, message, payload, redacted,
                                     ended_at)
VALUES (%(project_id)s, %(worker_id)s, %(job_id)s::uuid, %(epoch)s::int, %(phase)s, %(status)s, %(message)s::text,
        %(payload)s::text::jsonb, nullif(%(redacted)s::text[], '{}'), watchkeeper.now())
RETURNING id

-- name: record_helper_event
-- Writes one execution of a contract command, its output redacted; not those that a runtime worker's supervisor sends.
-- Gives whose it was. A command on a job is nobody's, and about no job, unless its caller proved to hold it, or to have held it.
WITH who AS MATERIALIZED (
  SELECT coalesce(%(worker_id)s::text,
                  (SELECT h.worker_id FROM (
                     SELECT worker_id, token_hash FROM watchkeeper.leases
                      WHERE project_id = %(project_id)s AND seq = %(seq)s::bigint AND epoch = %(epoch)s::int
                     UNION ALL
                     SELECT worker_id, token_hash FROM watchkeeper.closed_attempts
                      WHERE project_id = %(project_id)s AND seq = %(seq)s::bigint AND epoch = %(epoch)s::int) h
                    WHERE %(is_bound)s::boolean OR h.token_hash = %(token_hash)s::bytea LIMIT 1)) AS worker_id
), kept AS (
  INSERT INTO watchkeeper.helper_events (project_id, worker_id, job_id, command, exit_code, output, output_hash, error_code,
                                         redacted)
  SELECT %(project_id)s, who.worker_id, CASE WHEN who.worker_id IS NOT NULL THEN %(job_id)s::uuid END, %(command)s,
         %(exit_code)s, %(output)s::text, %(output_hash)s::text, %(error_code)s::text, nullif(%(redacted)s::text[], '{}')
    FROM who
   WHERE %(by_agent)s::boolean
      OR NOT EXISTS (SELECT FROM watchkeeper.workers w
                      WHERE w.project_id = %(project_id)s AND w.worker_id = who.worker_id AND w.profile = 'runtime')
  RETURNING id
)
SELECT who.worker_id, kept.id, watchkeeper.now() AS now FROM who LEFT JOIN kept ON true
