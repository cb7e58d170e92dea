-- name: tick_reaper
-- Notes a reaper's tick; a restart of the database, a failover or a gap in the ticks begins a quiet time. Half of the
-- shortest lease is a gap too: renewed at a quarter, it may have run out meanwhile.
UPDATE watchkeeper.reaper_state r
   SET last_tick_at = clock.now,
       server_started = clock.started, server_timeline = clock.timeline,
       quiet_since = CASE WHEN r.last_tick_at IS NULL OR clock.now - r.last_tick_at > clock.gap
                            OR r.server_started IS DISTINCT FROM clock.started
                            OR r.server_timeline IS DISTINCT FROM clock.timeline
                          THEN clock.now ELSE r.quiet_since END
  FROM (SELECT watchkeeper.now() AS now, pg_postmaster_start_time() AS started,
               make_interval(secs => least(%(gap_seconds)s::float8,
                                           (SELECT greatest(%(least_gap_seconds)s::float8, min(lease_seconds) / 2.0)
                                              FROM watchkeeper.leases HAVING count(*) > 0))) AS gap,
               substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) AS timeline) clock
RETURNING r.quiet_since

-- name: lock_expired_leases
-- Locks leases that may be reaped: expired, and not within a lease period of the quiet time's begin.
SELECT l.project_id, l.seq, l.epoch, l.token_hash, l.kind, l.worker_id, l.agent_errors, l.lost_leases, l.expires_at,
       l.cancel_requested_at IS NOT NULL AS cancel_requested, coalesce(k.on_lost, 'hold') AS on_lost,
       coalesce(k.max_attempts, 3) AS max_attempts, coalesce(k.max_lost_leases, 3) AS max_lost_leases
  FROM watchkeeper.leases l
  LEFT JOIN watchkeeper.job_kinds k ON k.project_id = l.project_id AND k.kind = l.kind
 WHERE l.expires_at < (SELECT watchkeeper.now())
   AND (SELECT watchkeeper.now()) > %(quiet_since)s::timestamptz + make_interval(secs => l.lease_seconds)
 ORDER BY l.project_id, l.expires_at
 LIMIT %(limit)s
   FOR UPDATE OF l SKIP LOCKED

-- name: record_reaping
-- Writes each reaping down as a repair, with old and new state.
INSERT INTO watchkeeper.repair_actions (project_id, job_id, trigger, action, authority, actor, reason, old_state, new_state,
                                        state, result, ended_at)
SELECT s.project_id, s.id, 'stale_lease', 'reap', 'system', 'system', r.reason,
       jsonb_build_object('state', 'running', 'epoch', r.epoch, 'worker_id', r.worker_id),
       jsonb_build_object('state', r.new_state), 'succeeded', 'success', watchkeeper.now()
  FROM unnest(%(seqs)s::bigint[], %(epochs)s::int[], %(worker_ids)s::text[], %(new_states)s::text[], %(reasons)s::text[])
       AS r(seq, epoch, worker_id, new_state, reason)
  JOIN watchkeeper.job_specs s ON s.project_id = %(project_id)s AND s.seq = r.seq

-- name: promote_due
-- Makes scheduled jobs claimable whose time has come, and wakes those who sleep.
WITH due AS (
  SELECT d.ctid AS tid FROM watchkeeper.scheduled_jobs d
   WHERE d.run_at <= (SELECT watchkeeper.now())
   ORDER BY d.run_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), taken AS (
  DELETE FROM watchkeeper.scheduled_jobs WHERE ctid = ANY (ARRAY(SELECT tid FROM due))
  RETURNING project_id, kind, priority, seq, epoch, agent_errors, lost_leases, run_at
), ready AS (
  INSERT INTO watchkeeper.ready_jobs (project_id, kind, priority, seq, epoch, agent_errors, lost_leases, ready_at)
  SELECT project_id, kind, priority, seq, epoch, agent_errors, lost_leases, run_at FROM taken
)
SELECT t.project_id, count(*) AS promoted,
       CASE WHEN EXISTS (SELECT FROM watchkeeper.sleepers s WHERE s.project_id = t.project_id)
            THEN pg_notify('watchkeeper_ready', t.project_id) END AS woken
  FROM taken t GROUP BY t.project_id

-- name: next_deadlines
-- Seconds until the next lease expires, the next job is due and the next schedule fires; NULL where there is none.
SELECT extract(epoch FROM (SELECT min(expires_at) FROM watchkeeper.leases) - clock.now)::float8 AS lease,
       extract(epoch FROM (SELECT run_at FROM watchkeeper.scheduled_jobs ORDER BY run_at LIMIT 1) - clock.now)::float8 AS due,
       extract(epoch FROM (SELECT min(next_at) FROM watchkeeper.schedules WHERE isfinite(next_at)) - clock.now)::float8 AS schedule
  FROM (SELECT watchkeeper.now() AS now) clock

-- name: lock_due_schedules
-- Schedules whose time has come; locked, so that only one process enqueues.
SELECT project_id, name, cron, time_zone, kind, payload::text AS payload, next_at, watchkeeper.now() AS now
  FROM watchkeeper.schedules
 WHERE next_at <= (SELECT watchkeeper.now())
 ORDER BY next_at LIMIT %(limit)s
   FOR UPDATE SKIP LOCKED

-- name: set_next_schedule
-- Puts a schedule's next time; NULL stops it.
UPDATE watchkeeper.schedules SET next_at = coalesce(%(next_at)s::timestamptz, 'infinity') WHERE project_id = %(project_id)s AND name = %(name)s

-- name: put_schedule
-- Creates or replaces a schedule.
WITH saved AS (
  INSERT INTO watchkeeper.schedules (project_id, name, cron, time_zone, kind, payload, next_at)
  VALUES (%(project_id)s, %(name)s, %(cron)s, %(time_zone)s, %(kind)s, %(payload)s::text::jsonb, %(next_at)s)
  ON CONFLICT (project_id, name) DO UPDATE
     SET cron = excluded.cron, time_zone = excluded.time_zone, kind = excluded.kind, payload = excluded.payload,
         next_at = excluded.next_at
  RETURNING name, cron, time_zone, kind
)
INSERT INTO watchkeeper.audit_events (project_id, event, actor, reason, data)
SELECT %(project_id)s, 'schedule_saved', %(actor)s, %(reason)s::text,
       jsonb_build_object('schedule', name, 'cron', cron, 'time_zone', time_zone, 'kind', kind) FROM saved

-- name: delete_schedule
-- Removes a schedule; no row where there is none of that name.
WITH removed AS (
  DELETE FROM watchkeeper.schedules WHERE project_id = %(project_id)s AND name = %(name)s RETURNING name, kind
)
INSERT INTO watchkeeper.audit_events (project_id, event, actor, reason, data)
SELECT %(project_id)s, 'schedule_removed', %(actor)s, %(reason)s::text, jsonb_build_object('schedule', name, 'kind', kind)
  FROM removed
RETURNING 1

-- name: list_schedules
-- The schedules of a project by name, from a cursor on; one without a next time is stopped.
SELECT name, cron, time_zone, kind, payload, CASE WHEN isfinite(next_at) THEN next_at END AS next_at,
       watchkeeper.now() AS now
  FROM watchkeeper.schedules
 WHERE project_id = %(project_id)s AND (%(after)s::text IS NULL OR name > %(after)s::text)
 ORDER BY name LIMIT %(limit)s

-- name: mark_gone_workers
-- Marks workers that have not been seen for longer than their profile's worker is silent in health.
UPDATE watchkeeper.workers SET gone_at = watchkeeper.now()
 WHERE gone_at IS NULL
   AND last_seen_at < (SELECT watchkeeper.now())
                      - make_interval(secs => CASE profile WHEN 'runtime' THEN %(silence_seconds)s::float8
                                                           ELSE %(session_silence_seconds)s::float8 END)
RETURNING worker_id

-- name: worker_left
-- Marks a worker of which it is known that it ended.
UPDATE watchkeeper.workers SET gone_at = watchkeeper.now()
 WHERE project_id = %(project_id)s AND worker_id = %(worker_id)s AND gone_at IS NULL

-- name: add_audit_partitions
-- Makes this month's and next month's partition of the audit trail.
SELECT watchkeeper.add_audit_partition((watchkeeper.now() + make_interval(months => m))::date) AS added
  FROM generate_series(0, 1) AS m
