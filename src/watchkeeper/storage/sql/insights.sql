-- name: waiting_jobs
-- Pending jobs, or the one that is asked for, with the reason why each waits; NULL where a worker may take it at once.
WITH ready AS (
  (SELECT * FROM watchkeeper.ready_jobs
    WHERE project_id = %(project_id)s AND %(seq)s::bigint IS NULL
    ORDER BY kind, priority DESC, seq LIMIT 1000)
  UNION ALL
  SELECT r.* FROM watchkeeper.job_specs s
    JOIN watchkeeper.ready_jobs r
      ON r.project_id = s.project_id AND r.kind = s.kind AND r.priority = s.priority AND r.seq = s.seq
   WHERE s.project_id = %(project_id)s AND s.seq = %(seq)s::bigint
), why_ready AS MATERIALIZED (
  SELECT k.kind, y.reason FROM (SELECT DISTINCT kind FROM ready) k
   CROSS JOIN LATERAL (SELECT watchkeeper.why_ready(%(project_id)s, k.kind) AS reason) y
), scheduled AS (
  (SELECT * FROM watchkeeper.scheduled_jobs
    WHERE project_id = %(project_id)s AND %(seq)s::bigint IS NULL ORDER BY run_at LIMIT 1000)
  UNION ALL
  SELECT * FROM watchkeeper.scheduled_jobs WHERE project_id = %(project_id)s AND seq = %(seq)s::bigint
), held AS (
  (SELECT * FROM watchkeeper.held_jobs
    WHERE project_id = %(project_id)s AND %(seq)s::bigint IS NULL AND state = 'paused' ORDER BY held_at LIMIT 1000)
  UNION ALL
  SELECT * FROM watchkeeper.held_jobs
   WHERE project_id = %(project_id)s AND seq = %(seq)s::bigint AND state = 'paused'
)
SELECT s.id, w.kind, w.reason
  FROM (
    SELECT r.project_id, r.seq, r.kind, r.ready_at AS since, y.reason
      FROM ready r JOIN why_ready y ON y.kind = r.kind
    UNION ALL
    SELECT project_id, seq, kind, run_at, 'not_due' FROM scheduled
    UNION ALL
    SELECT project_id, seq, kind, held_at, CASE WHEN state_reason = 'quarantined' THEN 'quarantined' ELSE 'paused' END
      FROM held
    UNION ALL
    SELECT l.project_id, l.seq, l.kind, l.expires_at, 'lease_dead'
      FROM watchkeeper.leases l
     WHERE l.project_id = %(project_id)s AND l.expires_at < watchkeeper.now()
       AND (%(seq)s::bigint IS NULL OR l.seq = %(seq)s::bigint)
  ) w
  JOIN watchkeeper.job_specs s ON s.project_id = w.project_id AND s.seq = w.seq
 WHERE %(kinds)s::text[] IS NULL OR w.kind = ANY (%(kinds)s::text[])
 ORDER BY w.since, w.seq
 LIMIT %(limit)s

-- name: queue_counts
-- Live jobs of each kind by state, with the age of the oldest claimable one, and why they wait. Of claimable and scheduled
-- ones only those that come next are looked at, one more than are counted (for the oldest a fifth of these, whose rows must be
-- read): a long queue must not cost its readers its length.
WITH able AS MATERIALIZED (
  SELECT w.worker_id, u.kind
    FROM watchkeeper.workers w LEFT JOIN LATERAL unnest(w.kinds) u(kind) ON true
   WHERE w.project_id = %(project_id)s AND w.gone_at IS NULL AND w.stopped_at IS NULL AND NOT w.draining
     AND (w.kinds IS NULL OR u.kind IS NOT NULL)
)
SELECT k.kind, k.paused_at IS NOT NULL AS paused_kind,
       coalesce(r.ready, 0) AS ready, coalesce(d.scheduled, 0) AS scheduled, coalesce(l.running, 0) AS running,
       coalesce(h.stuck, 0) AS stuck, coalesce(h.paused, 0) AS paused, coalesce(h.quarantined, 0) AS quarantined,
       coalesce(l.dead, 0) AS lease_dead, CASE WHEN r.ready > 0 THEN watchkeeper.why_ready(k.project_id, k.kind) END AS why_ready,
       extract(epoch FROM (SELECT watchkeeper.now()) - o.oldest)::float8 AS oldest_ready_age_s,
       (SELECT count(*) FROM able WHERE kind IS NULL) + coalesce(e.workers, 0) AS eligible_workers
  FROM watchkeeper.job_kinds k
  LEFT JOIN LATERAL (
    SELECT count(*) AS ready
      FROM (SELECT FROM watchkeeper.ready_jobs j WHERE j.project_id = k.project_id AND j.kind = k.kind
             ORDER BY j.priority DESC, j.seq LIMIT %(most)s + 1) n
  ) r ON true
  LEFT JOIN LATERAL (
    SELECT min(n.ready_at) AS oldest
      FROM (SELECT j.ready_at FROM watchkeeper.ready_jobs j WHERE j.project_id = k.project_id AND j.kind = k.kind
             ORDER BY j.priority DESC, j.seq LIMIT greatest(%(most)s / 5, 1)) n
  ) o ON true
  LEFT JOIN (SELECT kind, count(DISTINCT worker_id) AS workers FROM able WHERE kind IS NOT NULL GROUP BY kind) e
    ON e.kind = k.kind
  LEFT JOIN (SELECT kind, count(*) AS scheduled
               FROM (SELECT kind FROM watchkeeper.scheduled_jobs WHERE project_id = %(project_id)s LIMIT %(most)s * 10) n
              GROUP BY kind) d ON d.kind = k.kind
  LEFT JOIN (SELECT kind, count(*) AS running, count(*) FILTER (WHERE expires_at < (SELECT watchkeeper.now())) AS dead
               FROM watchkeeper.leases WHERE project_id = %(project_id)s GROUP BY kind) l ON l.kind = k.kind
  LEFT JOIN (SELECT kind, count(*) FILTER (WHERE state = 'stuck') AS stuck, count(*) FILTER (WHERE state = 'paused') AS paused,
                    count(*) FILTER (WHERE state = 'paused' AND state_reason = 'quarantined') AS quarantined
               FROM watchkeeper.held_jobs WHERE project_id = %(project_id)s GROUP BY kind) h ON h.kind = k.kind
 WHERE k.project_id = %(project_id)s
 ORDER BY k.kind

-- name: foreign_queue_counts
-- The queues of others, by their last reported counters; where none were reported, by the jobs of theirs that are mirrored.
-- is_old: what was reported is from long ago, and says nothing of now.
SELECT coalesce(q.origin, m.origin) AS origin, coalesce(q.kind, m.kind) AS kind, coalesce(q.is_paused, false) AS is_paused,
       coalesce(q.ready, m.pending, 0) AS ready, coalesce(q.scheduled, 0) AS scheduled,
       greatest(q.running, m.running, 0) AS running, greatest(q.stuck, m.stuck, 0) AS stuck,
       greatest(q.paused, m.paused, 0) AS paused,
       extract(epoch FROM (SELECT watchkeeper.now()) - q.ready_since)::float8 AS oldest_ready_age_s,
       q.eligible_workers, q.received_at, q.moved_at,
       q.received_at < (SELECT watchkeeper.now()) - make_interval(secs => %(old_seconds)s::float8) AS is_old
  FROM (SELECT * FROM watchkeeper.foreign_queues WHERE project_id = %(project_id)s) q
  FULL JOIN (SELECT origin, kind, count(*) FILTER (WHERE state = 'pending') AS pending,
                    count(*) FILTER (WHERE state = 'running') AS running, count(*) FILTER (WHERE state = 'stuck') AS stuck,
                    count(*) FILTER (WHERE state = 'paused') AS paused
               FROM watchkeeper.mirrored_jobs WHERE project_id = %(project_id)s GROUP BY origin, kind) m
    ON m.origin = q.origin AND m.kind = q.kind
 ORDER BY 1, 2

-- name: watch_facts
-- When the watchdog last ticked, and whether both it and the reaper are there and see.
SELECT w.last_tick_at, watchkeeper.now() AS now,
       coalesce(watchkeeper.now() - w.last_tick_at < make_interval(secs => %(gap_seconds)s::float8)
                AND watchkeeper.now() - r.last_tick_at < make_interval(secs => %(gap_seconds)s::float8)
                AND w.blind_since IS NULL, false) AS ok
  FROM watchkeeper.watchdog_state w CROSS JOIN watchkeeper.reaper_state r

-- name: reaper_facts
-- When a reaper last ticked, for readers who ask whether anybody watches.
SELECT last_tick_at, watchkeeper.now() AS now,
       last_tick_at IS NOT NULL AND watchkeeper.now() - last_tick_at < make_interval(secs => %(gap_seconds)s::float8) AS ok
  FROM watchkeeper.reaper_state

-- name: list_newest_jobs
-- Jobs of a project in whatever state, the newest first, from a cursor on; of one kind where asked.
SELECT j.id, j.seq, j.kind, j.state, j.state_reason, j.code, j.verified, j.summary, j.priority, j.epoch, j.worker_id, j.phase,
       j.run_at, j.created_at, j.started_at, j.state_since, j.finished_at, j.lease_expires_at, j.external_id, j.is_shadow,
       j.secret_suspected, j.retry_of
  FROM (SELECT project_id, seq FROM watchkeeper.job_specs
         WHERE project_id = %(project_id)s AND (%(before)s::bigint IS NULL OR seq < %(before)s::bigint)
           AND (%(kind)s::text IS NULL OR kind = %(kind)s::text)
         ORDER BY seq DESC LIMIT %(limit)s) s
 CROSS JOIN LATERAL (SELECT * FROM watchkeeper.jobs v WHERE v.project_id = s.project_id AND v.seq = s.seq LIMIT 1) j
 ORDER BY j.seq DESC

-- name: list_jobs
-- Jobs of a project in one state, the newest first, from a cursor on; of one kind where asked.
SELECT j.id, j.seq, j.kind, j.state, j.state_reason, j.code, j.verified, j.summary, j.priority, j.epoch, j.worker_id, j.phase,
       j.run_at, j.created_at, j.started_at, j.state_since, j.finished_at, j.lease_expires_at, j.external_id, j.is_shadow,
       j.secret_suspected, j.retry_of
  FROM watchkeeper.jobs j
 WHERE j.project_id = %(project_id)s
   AND (%(before)s::bigint IS NULL OR j.seq < %(before)s::bigint)
   AND (%(kind)s::text IS NULL OR j.kind = %(kind)s::text)
   AND j.state = %(state)s::text
 ORDER BY j.seq DESC
 LIMIT %(limit)s

-- name: list_running_jobs
-- The jobs that run, the newest first, from a cursor on.
SELECT j.id, j.seq, j.kind, j.state, j.state_reason, j.code, j.verified, j.summary, j.priority, j.epoch, j.worker_id, j.phase,
       j.run_at, j.created_at, j.started_at, j.state_since, j.finished_at, j.lease_expires_at, j.external_id, j.is_shadow,
       j.secret_suspected, j.retry_of
  FROM (SELECT project_id, seq FROM watchkeeper.leases
         WHERE project_id = %(project_id)s AND (%(before)s::bigint IS NULL OR seq < %(before)s::bigint)
           AND (%(kind)s::text IS NULL OR kind = %(kind)s::text)
         ORDER BY seq DESC LIMIT %(limit)s) l
 CROSS JOIN LATERAL (SELECT * FROM watchkeeper.jobs v WHERE v.project_id = l.project_id AND v.seq = l.seq LIMIT 1) j
 ORDER BY j.seq DESC

-- name: list_held_jobs
-- The stuck or paused jobs, the newest first, from a cursor on.
SELECT j.id, j.seq, j.kind, j.state, j.state_reason, j.code, j.verified, j.summary, j.priority, j.epoch, j.worker_id, j.phase,
       j.run_at, j.created_at, j.started_at, j.state_since, j.finished_at, j.lease_expires_at, j.external_id, j.is_shadow,
       j.secret_suspected, j.retry_of
  FROM (SELECT project_id, seq FROM watchkeeper.held_jobs
         WHERE project_id = %(project_id)s AND state = %(state)s AND (%(before)s::bigint IS NULL OR seq < %(before)s::bigint)
           AND (%(kind)s::text IS NULL OR kind = %(kind)s::text)
         ORDER BY seq DESC LIMIT %(limit)s) h
 CROSS JOIN LATERAL (SELECT * FROM watchkeeper.jobs v WHERE v.project_id = h.project_id AND v.seq = h.seq LIMIT 1) j
 ORDER BY j.seq DESC

-- name: list_unwell_jobs
-- The failed or cancelled jobs, the newest first, from a cursor on.
SELECT j.id, j.seq, j.kind, j.state, j.state_reason, j.code, j.verified, j.summary, j.priority, j.epoch, j.worker_id, j.phase,
       j.run_at, j.created_at, j.started_at, j.state_since, j.finished_at, j.lease_expires_at, j.external_id, j.is_shadow,
       j.secret_suspected, j.retry_of
  FROM (SELECT o.project_id, o.seq FROM watchkeeper.job_outcomes o
          JOIN watchkeeper.job_specs s ON s.project_id = o.project_id AND s.seq = o.seq
         WHERE o.project_id = %(project_id)s AND o.state = %(state)s AND o.state <> 'completed'
           AND (%(before)s::bigint IS NULL OR o.seq < %(before)s::bigint)
           AND (%(kind)s::text IS NULL OR s.kind = %(kind)s::text)
         ORDER BY o.seq DESC LIMIT %(limit)s) u
 CROSS JOIN LATERAL (SELECT * FROM watchkeeper.jobs v WHERE v.project_id = u.project_id AND v.seq = u.seq LIMIT 1) j
 ORDER BY j.seq DESC

-- name: job_attempts
-- The attempts at a job, open one included.
SELECT epoch AS attempt, worker_id, outcome, cause, error, started_at, ended_at
  FROM watchkeeper.job_attempts WHERE project_id = %(project_id)s AND seq = %(seq)s ORDER BY epoch

-- name: all_job_artifacts
-- What all attempts at a job have stored.
SELECT id, epoch AS attempt, kind, name, title, url, sha256, bytes, media_type, is_primary, secret_suspected, created_at
  FROM watchkeeper.artifacts WHERE project_id = %(project_id)s AND seq = %(seq)s ORDER BY created_at, id

-- name: list_workers
-- The workers of a project, or the one that is asked for, with what each holds; the live ones first.
SELECT w.worker_id, w.origin, w.profile, w.slots, w.kinds, w.role, w.pool, w.persona, w.host_id, w.version, w.no_job_count,
       w.draining, w.stopped_at, w.stop_reason, w.registered_at, w.last_seen_at, w.gone_at, w.doctor_ok,
       coalesce(h.jobs, 0) + (SELECT count(*) FROM watchkeeper.foreign_leases f
                               WHERE f.project_id = w.project_id AND f.worker_id = w.worker_id AND f.ended_at IS NULL) AS holding,
       CASE WHEN w.gone_at IS NOT NULL THEN 'offline' WHEN w.stopped_at IS NOT NULL THEN 'stuck'
            WHEN w.doctor_ok = false OR w.draining THEN 'degraded'
            WHEN watchkeeper.now() - w.last_seen_at > make_interval(secs => %(absent_seconds)s::float8) THEN 'unknown' ELSE 'ok' END AS health
  FROM watchkeeper.workers w
  LEFT JOIN (SELECT worker_id, count(*) AS jobs FROM watchkeeper.leases
              WHERE project_id = %(project_id)s AND (%(worker_id)s::text IS NULL OR worker_id = %(worker_id)s::text)
              GROUP BY worker_id) h ON h.worker_id = w.worker_id
 WHERE w.project_id = %(project_id)s AND (%(worker_id)s::text IS NULL OR w.worker_id = %(worker_id)s::text)
 ORDER BY w.gone_at IS NOT NULL, w.last_seen_at DESC, w.worker_id
 LIMIT %(limit)s

-- name: workers_by_name
-- A page of the workers of a project, by name, from a cursor on; those that are gone where they are asked for.
SELECT w.worker_id, w.origin, w.profile, w.slots, w.kinds, w.role, w.pool, w.persona, w.host_id, w.version, w.no_job_count,
       w.draining, w.stopped_at, w.stop_reason, w.registered_at, w.last_seen_at, w.gone_at, w.doctor_ok,
       coalesce(h.jobs, 0) + (SELECT count(*) FROM watchkeeper.foreign_leases f
                               WHERE f.project_id = w.project_id AND f.worker_id = w.worker_id AND f.ended_at IS NULL) AS holding,
       CASE WHEN w.gone_at IS NOT NULL THEN 'offline' WHEN w.stopped_at IS NOT NULL THEN 'stuck'
            WHEN w.doctor_ok = false OR w.draining THEN 'degraded'
            WHEN watchkeeper.now() - w.last_seen_at > make_interval(secs => %(absent_seconds)s::float8) THEN 'unknown' ELSE 'ok' END AS health
  FROM (SELECT * FROM watchkeeper.workers
         WHERE project_id = %(project_id)s AND (%(after)s::text IS NULL OR worker_id > %(after)s::text)
           AND (%(gone)s::boolean OR gone_at IS NULL)
         ORDER BY worker_id LIMIT %(limit)s) w
  LEFT JOIN (SELECT worker_id, count(*) AS jobs FROM watchkeeper.leases
              WHERE project_id = %(project_id)s GROUP BY worker_id) h ON h.worker_id = w.worker_id
 ORDER BY w.worker_id

-- name: list_leases
-- The live leases of a project, the next to expire first. What each is at is asked of these alone.
SELECT l.job_id, t.seq AS job_seq, l.kind, l.epoch, l.worker_id, l.profile, l.claimed_at, l.lease_expires_at,
       l.last_heartbeat_at, l.risk_level, l.origin, l.phase, l.received_at,
       extract(epoch FROM l.lease_expires_at - watchkeeper.now())::float8 AS remaining_s
  FROM (SELECT n.seq, s.id, n.expires_at
          FROM ((SELECT seq, expires_at FROM watchkeeper.leases WHERE project_id = %(project_id)s
                  ORDER BY expires_at LIMIT %(limit)s)
                UNION ALL
                (SELECT seq, lease_expires_at FROM watchkeeper.foreign_leases
                  WHERE project_id = %(project_id)s AND ended_at IS NULL ORDER BY lease_expires_at LIMIT %(limit)s)) n
          JOIN watchkeeper.job_specs s ON s.project_id = %(project_id)s AND s.seq = n.seq
         ORDER BY n.expires_at LIMIT %(limit)s) t
 CROSS JOIN LATERAL (SELECT * FROM watchkeeper.job_leases v
                      WHERE v.project_id = %(project_id)s AND v.job_id = t.id LIMIT 1) l
 ORDER BY t.expires_at

-- name: project_totals
-- Jobs of each project by state, by name, from a cursor on; history is not counted beyond a day.
SELECT p.project_id, p.title, p.paused_at, p.pause_reason, p.merged_into,
       (SELECT count(*) FROM (SELECT FROM watchkeeper.ready_jobs r WHERE r.project_id = p.project_id
                               ORDER BY r.kind, r.priority DESC, r.seq LIMIT %(most)s + 1) next_ones)
     + (SELECT count(*) FROM (SELECT FROM watchkeeper.scheduled_jobs d WHERE d.project_id = p.project_id
                               ORDER BY d.seq LIMIT %(most)s + 1) later_ones) AS pending,
       (SELECT count(*) FROM watchkeeper.leases l WHERE l.project_id = p.project_id) AS running,
       (SELECT count(*) FROM watchkeeper.held_jobs h WHERE h.project_id = p.project_id AND h.state = 'stuck') AS stuck,
       (SELECT count(*) FROM watchkeeper.held_jobs h WHERE h.project_id = p.project_id AND h.state = 'paused') AS paused,
       (SELECT count(*) FROM watchkeeper.workers w WHERE w.project_id = p.project_id AND w.gone_at IS NULL) AS workers
  FROM watchkeeper.projects p
 WHERE (%(project_id)s::text IS NULL OR p.project_id = %(project_id)s::text)
   AND (%(after)s::text IS NULL OR p.project_id > %(after)s::text)
 ORDER BY p.project_id LIMIT %(limit)s

-- name: outcome_totals
-- How the newest jobs of a project ended: at most the last 10,000.
SELECT count(*) FILTER (WHERE state = 'completed' AND verified = 'artifact') AS verified,
       count(*) FILTER (WHERE state = 'completed' AND verified = 'none') AS unverified,
       count(*) FILTER (WHERE state = 'failed') AS failed,
       count(*) FILTER (WHERE state = 'cancelled') AS cancelled
  FROM (SELECT state, verified FROM watchkeeper.job_outcomes WHERE project_id = %(project_id)s
         ORDER BY seq DESC LIMIT 10000) newest

-- name: changed_projects
-- The projects of which audit rows became visible since a snapshot (none where there is no snapshot yet), and the present
-- one. A row that was written before and committed after is found too; the index of the total order finds them.
SELECT pg_current_snapshot()::text AS snapshot, watchkeeper.now() AS at,
       ARRAY(SELECT DISTINCT a.project_id FROM watchkeeper.audit_events a
              WHERE a.timeline = watchkeeper.audit_timeline() AND a.xid >= pg_snapshot_xmin(%(since)s::text::pg_snapshot)
                AND NOT pg_visible_in_snapshot(a.xid, %(since)s::text::pg_snapshot)) AS projects

-- name: recent_audit
-- The newest audit rows of a project, each with its job's id, and for an ended job by what it was verified. They are found
-- in the order of the trail, which has an index; in the order of time they would all be sorted.
SELECT a.seq, a.at, a.event, a.actor, a.job_seq, s.id AS job_id, a.epoch, a.old_state, a.new_state, a.reason, a.data,
       o.verified
  FROM (SELECT * FROM watchkeeper.audit_events WHERE project_id = %(project_id)s
         ORDER BY timeline DESC, xid DESC, seq DESC LIMIT %(limit)s) a
  LEFT JOIN watchkeeper.job_specs s ON s.project_id = a.project_id AND s.seq = a.job_seq
  LEFT JOIN watchkeeper.job_outcomes o ON o.project_id = a.project_id AND o.seq = a.job_seq
 ORDER BY a.at DESC, a.seq DESC
