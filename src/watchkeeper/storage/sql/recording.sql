-- name: see_foreign_worker
-- Notes what a round of a foreign queue's worker found, making its row at the first time; gives what it must know.
-- Of an own worker's row only the time changes at which it was heard of: what it does is known here already.
INSERT INTO watchkeeper.workers (project_id, worker_id, profile, kinds, origin, automation_id, doctor_ok, doctor_answer, touched_at,
                                 no_job_count, last_seen_at)
VALUES (%(project_id)s, %(worker_id)s, 'session', '{}', %(origin)s, %(automation_id)s::text, %(doctor_ok)s::boolean,
        %(doctor_answer)s::text::jsonb, CASE WHEN %(touch_ok)s::boolean THEN watchkeeper.now() END, %(found_no_job)s::boolean::int, watchkeeper.now())
ON CONFLICT (project_id, worker_id) DO UPDATE
   SET last_seen_at = excluded.last_seen_at, gone_at = NULL,
       automation_id = coalesce(excluded.automation_id, workers.automation_id),
       doctor_ok = CASE WHEN workers.origin = 'own' THEN workers.doctor_ok
                        WHEN excluded.doctor_answer IS NULL THEN coalesce(excluded.doctor_ok, workers.doctor_ok)
                        ELSE excluded.doctor_ok END,
       doctor_answer = CASE WHEN workers.origin = 'own' OR excluded.doctor_ok IS NULL AND excluded.doctor_answer IS NULL
                            THEN workers.doctor_answer ELSE excluded.doctor_answer END,
       touched_at = CASE WHEN workers.origin = 'own' THEN workers.touched_at
                         ELSE coalesce(excluded.touched_at, workers.touched_at) END,
       touch_requested_at = CASE WHEN workers.origin = 'own' OR excluded.touched_at IS NULL OR excluded.doctor_ok IS NOT TRUE
                                 THEN workers.touch_requested_at END,
       no_job_count = CASE WHEN workers.origin = 'own' THEN workers.no_job_count
                           WHEN %(found_no_job)s THEN workers.no_job_count + 1
                           WHEN %(has_job)s THEN 0 ELSE workers.no_job_count END
RETURNING worker_id, no_job_count, stopped_at IS NOT NULL AS stopped, stop_reason, draining,
          touch_requested_at IS NOT NULL AS touch_requested, doctor_ok, origin <> 'own' AS is_foreign

-- name: record_reported_heartbeat
-- Keeps a round that was reported, once; no row for an id that was kept before.
WITH kept AS (
  INSERT INTO watchkeeper.worker_heartbeats (id, project_id, worker_id, automation_id, status, doctor_ok, touch_ok, claim_ok,
                                             current_job_id, lease_expires_at, reported_at, answers)
  VALUES (coalesce(%(id)s::uuid, watchkeeper.uuid7()), %(project_id)s, %(worker_id)s, %(automation_id)s::text, %(status)s,
          %(doctor_ok)s::boolean, %(touch_ok)s::boolean, %(claim_ok)s::boolean, %(job_id)s::uuid,
          %(lease_expires_at)s::timestamptz, coalesce(%(reported_at)s::timestamptz, watchkeeper.now()), %(answers)s::text::jsonb)
  ON CONFLICT (project_id, id) DO NOTHING
  RETURNING id
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, data)
  SELECT %(project_id)s, 'heartbeat_received', %(actor)s,
         jsonb_build_object('worker_id', %(worker_id)s::text, 'job_id', %(job_id)s::uuid) FROM kept
)
SELECT id FROM kept

-- name: record_reported_run
-- Keeps a phase that was reported, once. It ended when it was received, and began as long before as the sender says it took.
WITH kept AS (
  INSERT INTO watchkeeper.worker_runs (id, project_id, worker_id, job_id, epoch, phase, status, message, payload, redacted,
                                       started_at, ended_at, reported_at)
  SELECT coalesce(%(id)s::uuid, watchkeeper.uuid7()), %(project_id)s, %(worker_id)s, %(job_id)s::uuid, %(epoch)s::int,
         %(phase)s, %(status)s, %(message)s::text, %(payload)s::text::jsonb,
         nullif(%(redacted)s::text[], '{}'), clock.now - make_interval(secs => %(seconds)s),
         CASE WHEN %(is_over)s THEN clock.now END, coalesce(%(reported_at)s::timestamptz, clock.now)
    FROM (SELECT watchkeeper.now() AS now) clock
  ON CONFLICT (project_id, id) DO NOTHING
  RETURNING id
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, job_seq, epoch, data)
  SELECT %(project_id)s, %(event)s, %(actor)s, %(seq)s::bigint, %(epoch)s::int,
         jsonb_build_object('worker_id', %(worker_id)s::text, 'phase', %(phase)s::text) FROM kept
   WHERE %(event)s::text IS NOT NULL
)
SELECT id FROM kept

-- name: record_reported_command
-- Keeps an execution of a foreign helper's command, once, its output redacted. What was reported bears a time of report.
INSERT INTO watchkeeper.helper_events (id, project_id, worker_id, job_id, command, exit_code, output, output_hash, error_code,
                                       redacted, reported_at)
VALUES (coalesce(%(id)s::uuid, watchkeeper.uuid7()), %(project_id)s, %(worker_id)s::text, %(job_id)s::uuid, %(command)s,
        %(exit_code)s, %(output)s::text, %(output_hash)s::text, %(error_code)s::text, nullif(%(redacted)s::text[], '{}'),
        coalesce(%(reported_at)s::timestamptz, watchkeeper.now()))
ON CONFLICT (project_id, id) DO NOTHING
RETURNING id

-- name: record_reported_check
-- Keeps what a look at a mirrored job's artifact found, once.
WITH kept AS (
  INSERT INTO watchkeeper.artifact_checks (id, project_id, job_id, seq, epoch, command, primary_url, http_status, file_count,
                                           files, failed, passed, output_hash, reported_at)
  VALUES (coalesce(%(id)s::uuid, watchkeeper.uuid7()), %(project_id)s, %(job_id)s::uuid, %(seq)s, %(epoch)s, %(command)s,
          %(primary_url)s::text, %(http_status)s::int, %(file_count)s, %(files)s::text::jsonb, %(failed)s::text::jsonb,
          %(passed)s, %(output_hash)s, %(reported_at)s::timestamptz)
  ON CONFLICT (project_id, id) DO NOTHING
  RETURNING id
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, job_seq, epoch, data, output_hash)
  SELECT %(project_id)s, 'artifact_verified', %(actor)s, %(seq)s::bigint, %(epoch)s::int,
         jsonb_build_object('check_id', id, 'passed', %(passed)s::boolean), %(output_hash)s::text FROM kept
)
SELECT id FROM kept

-- name: record_foreign_queue
-- Keeps the counters of a foreign queue's kind. It moved where more was claimed in all, where fewer wait than before, or
-- where the oldest that waits is younger than it would be; jobs wait since the oldest that is told of, or since now.
INSERT INTO watchkeeper.foreign_queues AS q
       (project_id, origin, kind, ready, scheduled, running, stuck, paused, oldest_ready_age_s, eligible_workers,
        claimed_total, is_paused, ready_since, reported_by, reported_at, received_at)
SELECT %(project_id)s, %(origin)s, %(kind)s, %(ready)s, %(scheduled)s, %(running)s, %(stuck)s, %(paused)s,
       %(oldest_ready_age_s)s::float8, %(eligible_workers)s::int, %(claimed_total)s::bigint, %(is_paused)s,
       CASE WHEN %(ready)s > 0 THEN clock.now - make_interval(secs => coalesce(%(oldest_ready_age_s)s::float8, 0)) END,
       %(actor)s, %(reported_at)s::timestamptz, clock.now
  FROM (SELECT watchkeeper.now() AS now) clock
ON CONFLICT (project_id, origin, kind) DO UPDATE
   SET ready = excluded.ready, scheduled = excluded.scheduled, running = excluded.running, stuck = excluded.stuck,
       paused = excluded.paused, oldest_ready_age_s = excluded.oldest_ready_age_s,
       eligible_workers = excluded.eligible_workers, claimed_total = excluded.claimed_total, is_paused = excluded.is_paused,
       ready_since = CASE WHEN excluded.ready = 0 THEN NULL
                          WHEN excluded.oldest_ready_age_s IS NULL THEN coalesce(q.ready_since, excluded.ready_since)
                          ELSE excluded.ready_since END,
       moved_at = CASE WHEN excluded.claimed_total > q.claimed_total THEN excluded.received_at
                       WHEN excluded.claimed_total IS NOT NULL AND q.claimed_total IS NOT NULL THEN q.moved_at
                       WHEN excluded.ready < q.ready
                            OR excluded.ready_since > q.ready_since + interval '5 seconds' THEN excluded.received_at
                       ELSE q.moved_at END,
       reported_by = excluded.reported_by, reported_at = excluded.reported_at, received_at = excluded.received_at
RETURNING kind

-- name: proven_holder
-- Who holds a job, or held it, as a lease's token or a job token proves; or who bears the name of the worker that holds it.
SELECT h.worker_id, h.epoch
  FROM (SELECT worker_id, epoch, token_hash, true AS is_live FROM watchkeeper.leases
         WHERE project_id = %(project_id)s AND seq = %(seq)s
        UNION ALL
        SELECT worker_id, epoch, token_hash, false FROM watchkeeper.closed_attempts
         WHERE project_id = %(project_id)s AND seq = %(seq)s) h
 WHERE (h.epoch = %(epoch)s::int AND (%(is_bound)s::boolean OR h.token_hash = %(token_hash)s::bytea))
    OR (h.is_live AND %(epoch)s::int IS NULL AND %(name)s = %(project_id)s || '/' || h.worker_id)
 LIMIT 1

-- name: own_worker
-- A worker of the own queue.
SELECT worker_id FROM watchkeeper.workers
 WHERE project_id = %(project_id)s AND worker_id = %(worker_id)s AND origin = 'own'
