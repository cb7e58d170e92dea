-- name: look_at_job
-- A job as a plan is made on it, wherever it stands; the row that it stands in is locked.
WITH spec AS MATERIALIZED (
  SELECT s.project_id, s.seq, s.id, s.kind, s.priority, s.origin FROM watchkeeper.job_specs s
   WHERE s.project_id = %(project_id)s AND s.id = %(id)s::uuid
), lease AS MATERIALIZED (
  SELECT l.* FROM watchkeeper.leases l JOIN spec USING (project_id, seq) FOR UPDATE OF l
), ready AS MATERIALIZED (
  SELECT r.* FROM watchkeeper.ready_jobs r
    JOIN spec s ON r.project_id = s.project_id AND r.kind = s.kind AND r.priority = s.priority AND r.seq = s.seq
     FOR UPDATE OF r
), scheduled AS MATERIALIZED (
  SELECT d.* FROM watchkeeper.scheduled_jobs d JOIN spec USING (project_id, seq) FOR UPDATE OF d
), held AS MATERIALIZED (
  SELECT h.* FROM watchkeeper.held_jobs h JOIN spec USING (project_id, seq) FOR UPDATE OF h
), mirrored AS MATERIALIZED (
  SELECT m.* FROM watchkeeper.mirrored_jobs m JOIN spec USING (project_id, seq) FOR UPDATE OF m
)
SELECT s.id, s.seq, s.kind, s.origin,
       CASE WHEN l.seq IS NOT NULL THEN 'running' WHEN h.seq IS NOT NULL THEN h.state WHEN o.seq IS NOT NULL THEN o.state
            WHEN r.seq IS NOT NULL OR d.seq IS NOT NULL THEN 'pending' ELSE m.state END AS state,
       coalesce(h.state_reason, o.state_reason, m.state_reason) AS state_reason,
       coalesce(l.epoch, h.epoch, r.epoch, d.epoch, o.epoch, m.epoch) AS epoch,
       coalesce(l.agent_errors, h.agent_errors, r.agent_errors, d.agent_errors) AS agent_errors,
       coalesce(l.lost_leases, h.lost_leases, r.lost_leases, d.lost_leases) AS lost_leases,
       coalesce(l.worker_id, f.worker_id) AS worker_id, l.profile, l.lease_seconds, l.token_hash, l.expires_at,
       CASE WHEN l.seq IS NULL THEN NULL WHEN l.expires_at < watchkeeper.now() THEN 'expired' ELSE 'live' END AS lease,
       r.ready_at, d.run_at, h.held_by, h.held_at, h.detail AS hold_detail,
       coalesce(k.on_lost, 'hold') AS on_lost, coalesce(k.max_attempts, 3) AS max_attempts,
       coalesce(k.max_lost_leases, 3) AS max_lost_leases,
       coalesce((SELECT w.pool FROM watchkeeper.workers w
                  WHERE w.project_id = s.project_id AND w.worker_id = coalesce(l.worker_id, f.worker_id)), 'default') AS pool
  FROM spec s
  LEFT JOIN lease l ON true LEFT JOIN ready r ON true LEFT JOIN scheduled d ON true LEFT JOIN held h ON true
  LEFT JOIN mirrored m ON true
  LEFT JOIN watchkeeper.foreign_leases f ON f.project_id = m.project_id AND f.seq = m.seq AND f.ended_at IS NULL
  LEFT JOIN watchkeeper.job_outcomes o ON o.project_id = s.project_id AND o.seq = s.seq
  LEFT JOIN watchkeeper.job_kinds k ON k.project_id = s.project_id AND k.kind = s.kind

-- name: look_at_worker
-- A worker as a plan is made on it, locked.
SELECT w.worker_id, w.pool, w.origin, w.stopped_at, w.stopped_by, w.stop_reason, w.stopped_at IS NOT NULL AS stopped,
       w.draining, w.touch_requested_at IS NOT NULL AS touch_requested, w.last_seen_at, w.gone_at
  FROM watchkeeper.workers w
 WHERE w.project_id = %(project_id)s AND w.worker_id = %(worker_id)s
   FOR UPDATE

-- name: look_at_kind
-- A kind as a plan is made on it, locked, with how many of its jobs wait.
SELECT k.kind, k.paused_at, k.paused_by, k.pause_reason, k.paused_at IS NOT NULL AS paused,
       (SELECT count(*) FROM watchkeeper.ready_jobs r WHERE r.project_id = k.project_id AND r.kind = k.kind)
       + (SELECT count(*) FROM watchkeeper.scheduled_jobs d WHERE d.project_id = k.project_id AND d.kind = k.kind) AS waiting
  FROM watchkeeper.job_kinds k
 WHERE k.project_id = %(project_id)s AND k.kind = %(kind)s
   FOR UPDATE

-- name: look_at_session
-- An agent session as a plan is made on it, locked.
SELECT a.id, a.agent, a.worker_id, a.job_id, a.epoch, a.number, a.ended_at IS NOT NULL AS ended, a.turns, a.restarts, a.interrupted_at, a.swept_at,
       coalesce((SELECT w.pool FROM watchkeeper.workers w
                  WHERE w.project_id = a.project_id AND w.worker_id = a.worker_id), 'default') AS pool
  FROM watchkeeper.agent_sessions a
 WHERE a.project_id = %(project_id)s AND a.id = %(id)s::uuid
   FOR UPDATE OF a

-- name: session_requests
-- What a worker's supervisor is asked to do to its sessions and has not done: a turn that is over is not interrupted any more.
-- `reason` is what a person said who asked for it by hand.
SELECT r.id AS repair, s.job_id AS job, s.epoch, s.number AS session, r.action, r.authority <> 'system' AS insists,
       CASE r.trigger WHEN 'asked' THEN r.reason END AS reason
  FROM watchkeeper.repair_actions r
 CROSS JOIN LATERAL (SELECT * FROM watchkeeper.agent_sessions x
                      WHERE x.project_id = r.project_id AND x.id = (r.plan #>> '{target,id}')::uuid LIMIT 1) s
 WHERE r.project_id = %(project_id)s AND r.worker_id = %(worker_id)s AND r.state = 'executing' AND r.action = ANY (%(actions)s::text[])
   AND r.due_at > (SELECT watchkeeper.now())
   AND CASE r.action WHEN 'interrupt_session'
            THEN s.ended_at IS NULL AND s.turns = (r.plan #>> '{preconditions,turns}')::integer
                 AND coalesce(s.interrupted_at < r.attempted_at, true)
            ELSE coalesce(s.swept_at < r.attempted_at, true) OR jsonb_array_length(s.left_processes) > 0 END
 ORDER BY r.id LIMIT 100

-- name: seen_at_session
-- What a session's supervisor told of it since it was asked: an interruption, an end, a session that goes on, or a sweep that left nothing.
SELECT CASE WHEN %(action)s = 'sweep_session' THEN 'a sweep left nothing'
            WHEN a.interrupted_at > %(since)s::timestamptz THEN 'the session was interrupted'
            WHEN a.ended_at > %(since)s::timestamptz THEN 'the session ended'
            ELSE 'the session went on by itself' END AS seen
  FROM watchkeeper.agent_sessions a
 WHERE a.project_id = %(project_id)s AND a.id = %(id)s::uuid
   AND CASE WHEN %(action)s = 'sweep_session'
            THEN a.swept_at > %(since)s::timestamptz AND jsonb_array_length(a.left_processes) = 0
            ELSE a.interrupted_at > %(since)s::timestamptz OR a.ended_at > %(since)s::timestamptz
                 OR (a.last_event_at > %(since)s::timestamptz AND a.diagnosed_at > %(since)s::timestamptz
                     AND a.diagnosis->>'failure' IS NULL) END

-- name: expire_lease
-- Lets a lease end now; its holder keeps it by renewing before somebody reaps it.
UPDATE watchkeeper.leases SET expires_at = least(expires_at, watchkeeper.now())
 WHERE project_id = %(project_id)s AND seq = %(seq)s AND epoch = %(epoch)s
RETURNING worker_id, expires_at

-- name: unexpire_lease
-- Gives a lease its former end back, while it is the same lease and nobody renewed it.
UPDATE watchkeeper.leases SET expires_at = %(expires_at)s::timestamptz
 WHERE project_id = %(project_id)s AND seq = %(seq)s AND epoch = %(epoch)s AND expires_at = %(marked_at)s::timestamptz
RETURNING seq

-- name: request_touch
-- Asks a worker for touch and doctor: its next answer tells it.
UPDATE watchkeeper.workers SET touch_requested_at = watchkeeper.now()
 WHERE project_id = %(project_id)s AND worker_id = %(worker_id)s
RETURNING worker_id

-- name: stop_worker
-- Refuses a worker's claims until a supervisor resumes it; no row for one that is stopped.
WITH changed AS (
  UPDATE watchkeeper.workers SET stopped_at = watchkeeper.now(), stopped_by = %(actor)s, stop_reason = %(reason)s
   WHERE project_id = %(project_id)s AND worker_id = %(worker_id)s AND stopped_at IS NULL
  RETURNING worker_id
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, reason, data)
  SELECT %(project_id)s, 'worker_stopped', %(actor)s, %(reason)s, jsonb_build_object('worker_id', worker_id) FROM changed
)
SELECT worker_id FROM changed

-- name: unstop_worker
-- Lets a stopped worker claim again; whether it drains stays as it is.
WITH changed AS (
  UPDATE watchkeeper.workers SET stopped_at = NULL, stopped_by = NULL, stop_reason = NULL
   WHERE project_id = %(project_id)s AND worker_id = %(worker_id)s AND stopped_at IS NOT NULL
  RETURNING worker_id
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, reason, data)
  SELECT %(project_id)s, 'worker_resumed', %(actor)s, %(reason)s, jsonb_build_object('worker_id', worker_id) FROM changed
)
SELECT worker_id FROM changed

-- name: restop_worker
-- Stops a worker again as it was stopped before.
WITH changed AS (
  UPDATE watchkeeper.workers
     SET stopped_at = %(stopped_at)s::timestamptz, stopped_by = %(stopped_by)s, stop_reason = %(stop_reason)s
   WHERE project_id = %(project_id)s AND worker_id = %(worker_id)s AND stopped_at IS NULL
  RETURNING worker_id
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, reason, data)
  SELECT %(project_id)s, 'worker_stopped', %(actor)s, %(reason)s, jsonb_build_object('worker_id', worker_id) FROM changed
)
SELECT worker_id FROM changed

-- name: waiting_of_kind
-- The numbers of a kind's jobs that wait.
SELECT seq FROM watchkeeper.ready_jobs WHERE project_id = %(project_id)s AND kind = %(kind)s
UNION ALL
SELECT seq FROM watchkeeper.scheduled_jobs WHERE project_id = %(project_id)s AND kind = %(kind)s
 ORDER BY seq LIMIT %(limit)s

-- name: restore_waiting_job
-- Puts a job that does not run back to where it stood before a repair, with its counters and times; no row where it has
-- moved on under another epoch.
WITH clock AS MATERIALIZED (
  SELECT watchkeeper.now() AS now
), from_ready AS (
  DELETE FROM watchkeeper.ready_jobs r USING watchkeeper.job_specs s
   WHERE s.project_id = %(project_id)s AND s.seq = %(seq)s AND r.project_id = s.project_id AND r.kind = s.kind
     AND r.priority = s.priority AND r.seq = s.seq AND r.epoch = %(epoch)s AND %(from_state)s = 'pending'
  RETURNING r.seq, r.kind, r.priority, r.epoch
), from_scheduled AS (
  DELETE FROM watchkeeper.scheduled_jobs d
   WHERE d.project_id = %(project_id)s AND d.seq = %(seq)s AND d.epoch = %(epoch)s AND %(from_state)s = 'pending'
  RETURNING d.seq, d.kind, d.priority, d.epoch
), from_held AS (
  DELETE FROM watchkeeper.held_jobs h
   WHERE h.project_id = %(project_id)s AND h.seq = %(seq)s AND h.epoch = %(epoch)s AND h.state = %(from_state)s
  RETURNING h.seq, h.kind, h.priority, h.epoch
), moved AS MATERIALIZED (
  SELECT * FROM from_ready UNION ALL SELECT * FROM from_scheduled UNION ALL SELECT * FROM from_held
), ready AS (
  INSERT INTO watchkeeper.ready_jobs (project_id, kind, priority, seq, epoch, agent_errors, lost_leases, ready_at)
  SELECT %(project_id)s, kind, priority, seq, epoch, %(agent_errors)s, %(lost_leases)s,
         coalesce(%(ready_at)s::timestamptz, clock.now)
    FROM moved CROSS JOIN clock WHERE %(to_state)s = 'pending' AND %(run_at)s::timestamptz IS NULL
), scheduled AS (
  INSERT INTO watchkeeper.scheduled_jobs (project_id, seq, kind, priority, epoch, agent_errors, lost_leases, run_at)
  SELECT %(project_id)s, seq, kind, priority, epoch, %(agent_errors)s, %(lost_leases)s, %(run_at)s::timestamptz
    FROM moved WHERE %(to_state)s = 'pending' AND %(run_at)s::timestamptz IS NOT NULL
), held AS (
  INSERT INTO watchkeeper.held_jobs (project_id, seq, kind, priority, epoch, agent_errors, lost_leases, state,
                                     state_reason, detail, held_by, held_at)
  SELECT %(project_id)s, seq, kind, priority, epoch, %(agent_errors)s, %(lost_leases)s, %(to_state)s, %(state_reason)s,
         %(detail)s::text::jsonb, %(held_by)s, coalesce(%(held_at)s::timestamptz, clock.now)
    FROM moved CROSS JOIN clock WHERE %(to_state)s = 'paused'
), audited AS (
  INSERT INTO watchkeeper.audit_events (at, project_id, event, actor, job_seq, epoch, old_state, new_state, reason)
  SELECT clock.now, %(project_id)s, %(event)s, %(actor)s, seq, epoch, %(from_state)s, %(to_state)s, %(reason)s
    FROM moved CROSS JOIN clock WHERE %(event)s::text IS NOT NULL
)
SELECT m.seq,
       (SELECT pg_notify('watchkeeper_ready', %(project_id)s)
         WHERE %(to_state)s = 'pending'
           AND EXISTS (SELECT FROM watchkeeper.sleepers WHERE project_id = %(project_id)s)) AS woken
  FROM moved m

-- name: may_be_handed_back
-- A row where a former worker lives, was not heard of since, and may claim: nobody has told it yet that its lease ended.
-- What refused it a command on the job told it too; that undid its own transaction, and is kept as a helper event.
SELECT w.worker_id, w.profile, w.slots
  FROM watchkeeper.workers w
  JOIN watchkeeper.projects p ON p.project_id = w.project_id AND p.paused_at IS NULL
  JOIN watchkeeper.job_kinds k ON k.project_id = w.project_id AND k.kind = %(kind)s AND k.paused_at IS NULL
 WHERE w.project_id = %(project_id)s AND w.worker_id = %(worker_id)s
   AND w.gone_at IS NULL
   AND w.last_seen_at > watchkeeper.now()
                        - make_interval(secs => CASE w.profile WHEN 'runtime' THEN %(silence_seconds)s::float8
                                                               ELSE %(session_silence_seconds)s::float8 END)
   AND w.last_seen_at <= %(acted_at)s::timestamptz
   AND NOT EXISTS (SELECT FROM watchkeeper.helper_events e
                    WHERE e.project_id = w.project_id AND e.job_id = %(job_id)s::uuid AND e.worker_id = w.worker_id
                      AND e.error_code = 'stale_lease' AND e.created_at >= %(acted_at)s::timestamptz)
   AND w.stopped_at IS NULL AND NOT w.draining
   AND NOT EXISTS (SELECT FROM watchkeeper.pool_parks q
                    WHERE q.project_id = w.project_id AND q.pool = w.pool AND q.until > watchkeeper.now())
   AND (k.concurrency IS NULL
        OR k.concurrency > (SELECT count(*) FROM watchkeeper.leases l WHERE l.project_id = k.project_id AND l.kind = k.kind))
   AND (SELECT count(*) FROM watchkeeper.leases l WHERE l.project_id = w.project_id AND l.worker_id = w.worker_id)
       < CASE w.profile WHEN 'session' THEN 1 ELSE w.slots END
   FOR UPDATE OF w, k

-- name: hand_back_lease
-- Gives a former worker a new lease on a pending job, unused and under a new epoch: it is handed out by redelivery.
WITH clock AS MATERIALIZED (
  SELECT watchkeeper.now() AS now
), from_ready AS (
  DELETE FROM watchkeeper.ready_jobs r USING watchkeeper.job_specs s
   WHERE s.project_id = %(project_id)s AND s.seq = %(seq)s AND r.project_id = s.project_id AND r.kind = s.kind
     AND r.priority = s.priority AND r.seq = s.seq AND r.epoch = %(epoch)s
  RETURNING r.seq, r.kind, r.priority, r.epoch
), from_scheduled AS (
  DELETE FROM watchkeeper.scheduled_jobs d
   WHERE d.project_id = %(project_id)s AND d.seq = %(seq)s AND d.epoch = %(epoch)s
  RETURNING d.seq, d.kind, d.priority, d.epoch
), taken AS MATERIALIZED (
  SELECT * FROM from_ready UNION ALL SELECT * FROM from_scheduled
), leased AS (
  INSERT INTO watchkeeper.leases (project_id, seq, kind, priority, epoch, agent_errors, lost_leases, worker_id, token_hash,
                                  profile, lease_seconds, claimed_at, renewed_at, expires_at)
  SELECT %(project_id)s, seq, kind, priority, epoch + 1, %(agent_errors)s, %(lost_leases)s, %(worker_id)s, %(token_hash)s,
         %(profile)s, %(lease_seconds)s, clock.now, clock.now, clock.now + make_interval(secs => %(lease_seconds)s)
    FROM taken CROSS JOIN clock
  RETURNING seq, epoch
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, job_seq, epoch, old_state, new_state, reason)
  SELECT %(project_id)s, 'lease_handed_back', %(actor)s, seq, epoch, 'pending', 'running', %(reason)s FROM leased
)
SELECT seq, epoch FROM leased

-- name: seen_touch
-- The newest rounds in which a worker touched after it was asked to, with what is known of its doctor, and what both answered.
SELECT h.id, h.doctor_ok, h.touch_ok, h.answers FROM watchkeeper.worker_heartbeats h
 WHERE h.project_id = %(project_id)s AND h.worker_id = %(worker_id)s AND h.created_at > %(since)s::timestamptz
   AND h.touch_ok
 ORDER BY h.id DESC LIMIT 20

-- name: seen_renewal
-- A row where a job's lease of that epoch was renewed after its holder was asked, or the job has completed since.
WITH spec AS MATERIALIZED (
  SELECT project_id, seq FROM watchkeeper.job_specs WHERE project_id = %(project_id)s AND id = %(id)s::uuid
)
SELECT 'the lease was renewed' AS seen FROM watchkeeper.leases JOIN spec USING (project_id, seq)
 WHERE epoch = %(epoch)s AND renewed_at > %(since)s::timestamptz
UNION ALL
SELECT 'the job completed' FROM watchkeeper.job_outcomes JOIN spec USING (project_id, seq)
 WHERE epoch = %(epoch)s AND state = 'completed'
UNION ALL
SELECT 'the lease was reported as renewed' FROM watchkeeper.foreign_leases JOIN spec USING (project_id, seq)
 WHERE epoch = %(epoch)s AND received_at > %(since)s::timestamptz AND lease_expires_at > watchkeeper.now()
LIMIT 1
