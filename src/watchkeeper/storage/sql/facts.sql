-- name: tick_watchdog
-- Takes the watch for this transaction and notes the tick; no row where another watchdog has it. A restart of the database,
-- a failover, a clock that went back or a gap in the ticks begins a quiet time, as in tick_reaper. The shortest lease tells
-- how soon one that nobody looked at yet could be trouble: at once, where a report may say anything.
WITH held AS MATERIALIZED (
  SELECT * FROM watchkeeper.watchdog_state FOR UPDATE SKIP LOCKED
), clock AS MATERIALIZED (
  SELECT watchkeeper.now() AS now, pg_postmaster_start_time() AS started,
         substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) AS timeline,
         make_interval(secs => least(%(gap_seconds)s::float8, greatest(%(least_gap_seconds)s::float8, live.shortest / 2.0)))
           AS gap,
         CASE WHEN EXISTS (SELECT FROM watchkeeper.foreign_leases WHERE ended_at IS NULL) THEN 0 ELSE live.shortest END AS shortest
    FROM held CROSS JOIN (SELECT min(lease_seconds)::float8 AS shortest FROM watchkeeper.leases) live
), tick AS MATERIALIZED (
  SELECT c.now, h.last_tick_at AS previous, c.started, c.timeline, c.shortest,
         h.server_started IS DISTINCT FROM c.started OR h.server_timeline IS DISTINCT FROM c.timeline AS server_changed,
         coalesce(c.now - h.last_tick_at > c.gap OR c.now < h.last_tick_at, false) AS gapped,
         coalesce(c.now - h.swept_at >= make_interval(secs => %(sweep_seconds)s::float8) OR c.now < h.swept_at, true) AS sweeps
    FROM held h CROSS JOIN clock c
), noted AS (
  UPDATE watchkeeper.watchdog_state w
     SET last_tick_at = t.now, server_started = t.started, server_timeline = t.timeline,
         swept_at = CASE WHEN t.sweeps OR t.gapped THEN t.now ELSE w.swept_at END,
         quiet_since = CASE WHEN t.previous IS NOT NULL AND (t.gapped OR t.server_changed) THEN t.now ELSE w.quiet_since END,
         unwatched_from = CASE WHEN t.previous IS NOT NULL AND (t.gapped OR t.server_changed)
                               THEN least(t.previous, t.now) ELSE w.unwatched_from END
    FROM tick t
  RETURNING w.quiet_since, w.unwatched_from
)
SELECT t.now, t.previous, t.shortest AS shortest_lease_seconds, t.gapped, t.server_changed, t.sweeps OR t.gapped AS sweeps, n.unwatched_from, n.quiet_since,
       greatest(n.quiet_since, CASE WHEN t.now - r.last_tick_at < make_interval(secs => %(gap_seconds)s::float8)
                                    THEN r.quiet_since END) AS leases_quiet_since
  FROM tick t CROSS JOIN noted n CROSS JOIN watchkeeper.reaper_state r

-- name: lease_facts
-- Live leases, own and reported, for which a moment at which a rule may fire has passed since the last look; with the next
-- such moment of any lease, which stands on a row of its own where there is no such lease. A rule fires after its moment.
-- A gap in the watch gives a whole period to a lease of which nothing was heard since: whose holder spoke needs none. A report
-- may tell what is long past, so that each new one is looked at.
WITH clock AS MATERIALIZED (
  SELECT %(now)s::timestamptz AS now, coalesce(%(since)s::timestamptz, '-infinity') AS since
), live AS (
  SELECT project_id, seq, epoch, kind, worker_id, lease_seconds::float8 AS lease_seconds, claimed_at,
         renewed_at, expires_at, progress_at, NULL::timestamptz AS told_success_at, false AS is_mirrored,
         profile = 'session' AS is_session
    FROM watchkeeper.leases
  UNION ALL
  SELECT project_id, seq, epoch, kind, worker_id, coalesce(lease_seconds, %(session_lease_seconds)s::float8), claimed_at,
         received_at, coalesce(lease_expires_at, '9999-01-01'), progress_at,
         CASE WHEN lower(complete_status) = ANY (%(success_words)s::text[]) THEN received_at END, true, false
    FROM watchkeeper.foreign_leases WHERE ended_at IS NULL
), judged AS (
  SELECT l.*, CASE WHEN l.renewed_at > q.since THEN 'epoch' ELSE q.till END AS quiet_until,
         CASE WHEN k.kind IS NOT NULL
              THEN greatest(q.till, coalesce(l.progress_at, l.claimed_at)
                     + make_interval(secs => 60 * greatest(k.progress_deadline_minutes, k.tool_limit_minutes))) END AS progress_due_at
    FROM live l
   CROSS JOIN LATERAL (SELECT %(quiet_since)s::timestamptz AS since,
                              %(quiet_since)s::timestamptz + make_interval(secs => l.lease_seconds) AS till) q
    LEFT JOIN watchkeeper.job_kinds k
      ON k.project_id = l.project_id AND k.kind = l.kind AND k.progress_deadline_minutes IS NOT NULL
), moments AS MATERIALIZED (
  SELECT j.*, greatest(j.quiet_until, j.expires_at - make_interval(
           secs => least(%(near_seconds)s::float8, j.lease_seconds
                         * CASE WHEN j.is_mirrored OR (j.is_session AND j.lease_seconds > %(near_seconds)s::float8)
                                THEN %(session_near_fraction)s::float8 ELSE %(near_fraction)s::float8 END))) AS near,
         greatest(j.quiet_until, j.expires_at) + make_interval(secs => %(expired_seconds)s::float8) AS expired,
         greatest(j.quiet_until, j.renewed_at + make_interval(secs => %(unrenewed_seconds)s::float8)) AS unrenewed,
         greatest(j.quiet_until, j.expires_at + make_interval(secs => %(past_expiry_seconds)s::float8)) AS past,
         j.progress_due_at AS overdue
    FROM judged j
), following AS (
  SELECT min(least(CASE WHEN near >= now THEN near END, CASE WHEN expired >= now THEN expired END,
                   CASE WHEN unrenewed >= now THEN unrenewed END, CASE WHEN past >= now THEN past END,
                   CASE WHEN overdue >= now THEN overdue END)) AS at
    FROM moments, clock
)
SELECT f.at AS next_at, m.project_id, s.id AS job_id, m.epoch, m.kind, m.worker_id, m.lease_seconds, m.claimed_at,
       m.renewed_at, m.expires_at, m.told_success_at, m.is_mirrored, m.is_session, m.quiet_until,
       CASE WHEN (m.is_mirrored OR coalesce(s.contract, k.contract) IS NOT NULL)
                 AND (SELECT true FROM watchkeeper.artifact_checks c
                                  WHERE c.project_id = m.project_id AND c.seq = m.seq AND c.epoch = m.epoch AND c.passed LIMIT 1) IS NULL
            THEN m.progress_due_at END AS progress_due_at
  FROM clock CROSS JOIN following f
  LEFT JOIN moments m
    ON (m.near > clock.since AND m.near < clock.now) OR (m.expired > clock.since AND m.expired < clock.now)
    OR (m.unrenewed > clock.since AND m.unrenewed < clock.now) OR (m.past > clock.since AND m.past < clock.now)
    OR (m.overdue > clock.since AND m.overdue < clock.now) OR (m.is_mirrored AND m.renewed_at > clock.since)
  LEFT JOIN LATERAL (SELECT * FROM watchkeeper.job_specs x
                        WHERE x.project_id = m.project_id AND x.seq = m.seq LIMIT 1) s ON true
  LEFT JOIN watchkeeper.job_kinds k ON k.project_id = m.project_id AND k.kind = m.kind

-- name: sight_facts
-- What may dim the watchdog's sight: the oldest snapshot that keeps the database from clearing up, the oldest audit row that
-- is not sealed, the oldest row of the inbox. Lengths in seconds. A backup of our own, which runs under our user and its own
-- name, does not count for half a day: it is expected to be long. A snapshot in another database pins nothing of ours.
SELECT extract(epoch FROM clock_timestamp() - p.xact_start)::float8 AS pinned_seconds, p.who AS pinned_by,
       greatest(extract(epoch FROM %(now)s::timestamptz - (
         SELECT e.at FROM watchkeeper.audit_events e,
                LATERAL (SELECT coalesce(max(number), 0) AS number FROM watchkeeper.audit_seals WHERE project_id = 'system') n
                LEFT JOIN watchkeeper.audit_seals t ON t.project_id = 'system' AND t.number = n.number
          WHERE (e.timeline, e.xid, e.seq) > (coalesce(t.timeline, 1), coalesce(t.last_xid, '0'::xid8), coalesce(t.last_seq, 0))
          ORDER BY e.timeline, e.xid, e.seq LIMIT 1))::float8, 0) AS unsealed_seconds,
       extract(epoch FROM %(now)s::timestamptz
         - (SELECT received_at FROM watchkeeper.watchdog_inbox ORDER BY number LIMIT 1))::float8 AS unread_seconds
  FROM (SELECT) always
  LEFT JOIN (
    SELECT a.xact_start, concat_ws(' ', 'the session of', a.usename, 'from ' || coalesce(host(a.client_addr), 'this machine'),
                                   'by ' || nullif(a.application_name, ''), '(pid ' || a.pid || ', ' || a.state || ')') AS who
      FROM pg_stat_activity a
     WHERE a.backend_xmin IS NOT NULL AND a.xact_start IS NOT NULL AND a.pid <> pg_backend_pid()
       AND a.backend_type = 'client backend' AND a.datname = current_database()
       AND NOT (a.application_name = %(backup)s AND a.usename = current_user
                AND a.xact_start > clock_timestamp() - interval '12 hours')
    UNION ALL
    SELECT p.prepared, 'prepared transaction ' || p.gid FROM pg_prepared_xacts p WHERE p.database = current_database()
    ORDER BY 1 LIMIT 1) p ON true

-- name: note_sight
-- Notes whether the watchdog sees: blind until so many good ticks in a row.
WITH before AS MATERIALIZED (
  SELECT blind_since, good_ticks FROM watchkeeper.watchdog_state
)
UPDATE watchkeeper.watchdog_state w
   SET good_ticks = CASE WHEN %(is_blind)s::boolean OR b.blind_since IS NULL THEN 0 ELSE b.good_ticks + 1 END,
       blind_since = CASE WHEN %(is_blind)s::boolean THEN coalesce(b.blind_since, %(now)s::timestamptz)
                          WHEN b.good_ticks + 1 < %(good_ticks)s THEN b.blind_since END
  FROM before b
RETURNING w.blind_since IS NOT NULL AS is_blind, w.blind_since IS NULL AND b.blind_since IS NOT NULL AS has_ended

-- name: queue_facts
-- Kinds whose next job waits though it need not, own and reported, and since when. Notes since when, so that a pause, a full
-- pool or a claim begins the wait anew; a more urgent job does not. A claim whose job has ended is known by its attempt:
-- who claims takes the next job, which was noted.
WITH clock AS MATERIALIZED (
  SELECT %(now)s::timestamptz AS now, %(previous)s::timestamptz AS previous,
         %(now)s::timestamptz - make_interval(secs => %(absent_seconds)s::float8) AS absent,
         CASE WHEN %(now)s::timestamptz < %(quiet_since)s::timestamptz + make_interval(secs => %(heartbeat_seconds)s::float8 * 1.5)
              THEN %(unwatched_from)s::timestamptz ELSE %(now)s::timestamptz END
           - make_interval(secs => %(absent_seconds)s::float8) AS seen_since
), heads AS MATERIALIZED (
  SELECT k.project_id, k.kind, h.seq, h.ready_at
    FROM watchkeeper.job_kinds k
    JOIN watchkeeper.projects p ON p.project_id = k.project_id AND p.paused_at IS NULL
   CROSS JOIN LATERAL (
     SELECT r.seq, r.ready_at FROM watchkeeper.ready_jobs r
      WHERE r.project_id = k.project_id AND r.kind = k.kind ORDER BY r.priority DESC, r.seq LIMIT 1) h
   WHERE k.paused_at IS NULL AND (SELECT is_on FROM watchkeeper.switches WHERE name = 'claims')
     AND (k.concurrency IS NULL
          OR k.concurrency > (SELECT count(*) FROM watchkeeper.leases l WHERE l.project_id = k.project_id AND l.kind = k.kind))
), holding AS (
  SELECT project_id, worker_id, count(*) AS held FROM watchkeeper.leases GROUP BY project_id, worker_id
), present AS MATERIALIZED (
  SELECT w.project_id, w.worker_id, w.kinds, w.profile, w.last_seen_at,
         w.stopped_at IS NOT NULL AS stopped, w.draining,
         w.slots > coalesce(h.held, 0)
           AND NOT EXISTS (SELECT FROM watchkeeper.pool_parks q
                            WHERE q.project_id = w.project_id AND q.pool = w.pool AND q.until > clock.now) AS free
    FROM watchkeeper.workers w CROSS JOIN clock
    LEFT JOIN holding h ON h.project_id = w.project_id AND h.worker_id = w.worker_id
   WHERE w.gone_at IS NULL OR (w.gone_at > clock.seen_since AND w.profile = 'session' AND w.last_seen_at > clock.seen_since)
), waiting AS MATERIALIZED (
  SELECT h.project_id, h.kind, h.seq, h.ready_at, n.free, n.able, n.stopped, n.draining, n.seen_at
    FROM heads h
   CROSS JOIN LATERAL (
     SELECT count(*) FILTER (WHERE NOT p.stopped AND NOT p.draining) AS able,
            count(*) FILTER (WHERE NOT p.stopped AND NOT p.draining AND p.free) AS free,
            count(*) FILTER (WHERE p.stopped) AS stopped, count(*) FILTER (WHERE p.draining) AS draining,
            max(CASE WHEN p.profile = 'runtime' THEN 'infinity' ELSE p.last_seen_at END)
              FILTER (WHERE NOT p.stopped AND NOT p.draining AND p.free) AS seen_at
       FROM present p WHERE p.project_id = h.project_id AND (p.kinds IS NULL OR h.kind = ANY (p.kinds))) n
   WHERE n.free > 0 OR n.able = 0
), claimed AS (
  SELECT project_id, kind, max(claimed_at) AS at FROM watchkeeper.leases GROUP BY project_id, kind
), found AS MATERIALIZED (
  SELECT w.*, CASE WHEN w.able = 0 THEN 'unserved' ELSE 'movable' END AS wait,
         CASE WHEN o.wait = 'unserved' AND w.able = 0 THEN greatest(o.since, %(quiet_since)s::timestamptz)
              WHEN o.wait = 'movable' AND w.able > 0
              THEN greatest(o.since, %(quiet_since)s::timestamptz, c.at,
                            (SELECT max(a.started_at) FROM watchkeeper.closed_attempts a
                              WHERE a.project_id = o.project_id AND a.seq = o.head_seq))
              WHEN w.ready_at > clock.previous THEN least(w.ready_at, clock.now) ELSE clock.now END AS since
    FROM waiting w CROSS JOIN clock
    LEFT JOIN watchkeeper.watchdog_queues o ON o.project_id = w.project_id AND o.kind = w.kind
    LEFT JOIN claimed c ON c.project_id = w.project_id AND c.kind = w.kind
), noted AS (
  INSERT INTO watchkeeper.watchdog_queues AS q (project_id, kind, wait, head_seq, since)
  SELECT project_id, kind, wait, seq, since FROM found
  ON CONFLICT (project_id, kind) DO UPDATE SET wait = excluded.wait, head_seq = excluded.head_seq, since = excluded.since
   WHERE (q.wait, q.head_seq, q.since) IS DISTINCT FROM (excluded.wait, excluded.head_seq, excluded.since)
), ended AS (
  DELETE FROM watchkeeper.watchdog_queues q
   WHERE NOT EXISTS (SELECT FROM found f WHERE f.project_id = q.project_id AND f.kind = q.kind)
)
SELECT f.project_id, f.kind, f.wait, f.since, s.id AS head_job_id, f.free AS free_workers, f.stopped AS stopped_workers,
       f.draining AS draining_workers, f.seen_at > f.since AS was_asked, 'own' AS origin
  FROM found f
 CROSS JOIN LATERAL (SELECT x.id FROM watchkeeper.job_specs x WHERE x.project_id = f.project_id AND x.seq = f.seq LIMIT 1) s
UNION ALL
SELECT q.project_id, q.kind, CASE WHEN q.eligible_workers = 0 THEN 'unserved' ELSE 'movable' END,
       greatest(q.ready_since, q.moved_at, %(quiet_since)s::timestamptz), NULL::uuid, q.eligible_workers, 0, 0, true, q.origin
  FROM watchkeeper.foreign_queues q CROSS JOIN clock
 WHERE q.ready > 0 AND NOT q.is_paused AND q.eligible_workers IS NOT NULL AND q.received_at > clock.absent
