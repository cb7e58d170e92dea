-- name: count_outcomes
-- Counts the jobs that ended since the last count, at most an hour of them at a time; no row where another process counts.
-- What ended in the last seconds waits for the next count: its transactions may not be over.
WITH state AS (
  SELECT coalesce(counted_to, (SELECT watchkeeper.now()) - interval '1 day') AS counted_to, (SELECT watchkeeper.now()) AS now
    FROM watchkeeper.outcome_counting FOR UPDATE SKIP LOCKED
), span AS (
  SELECT counted_to AS begins,
         greatest(counted_to, least(counted_to + interval '1 hour', now - make_interval(secs => %(settle_seconds)s::float8)))
           AS ends, now
    FROM state
), ended AS (
  SELECT o.project_id, s.kind, date_bin('10 minutes', o.finished_at, timestamptz '2000-01-01 00:00:00+00') AS starts_at,
         count(*) FILTER (WHERE o.verified = 'artifact') AS verified, count(*) FILTER (WHERE o.verified = 'none') AS unverified,
         count(*) FILTER (WHERE o.state = 'failed') AS failed, count(*) FILTER (WHERE o.state = 'cancelled') AS cancelled
    FROM watchkeeper.job_outcomes o
    JOIN watchkeeper.job_specs s ON s.project_id = o.project_id AND s.seq = o.seq
   WHERE o.finished_at > (SELECT begins FROM span) AND o.finished_at <= (SELECT ends FROM span) AND NOT s.is_shadow
   GROUP BY 1, 2, 3
), kept AS (
  INSERT INTO watchkeeper.outcome_counts AS c (project_id, kind, starts_at, verified, unverified, failed, cancelled)
  SELECT * FROM ended
  ON CONFLICT (project_id, starts_at, kind)
     DO UPDATE SET verified = c.verified + excluded.verified, unverified = c.unverified + excluded.unverified,
                   failed = c.failed + excluded.failed, cancelled = c.cancelled + excluded.cancelled
  RETURNING 1
), moved AS (
  UPDATE watchkeeper.outcome_counting SET counted_to = span.ends FROM span
)
SELECT (SELECT coalesce(sum(verified + unverified + failed + cancelled), 0) FROM ended)::bigint AS counted,
       extract(epoch FROM now - ends)::float8 AS behind_seconds FROM span

-- name: ended_lately
-- How many jobs of a project ended in the last hour and in the last day, as counted, and up to when that is.
SELECT t.counted_to, watchkeeper.now() AS now, coalesce(sum(c.verified) FILTER (WHERE is_hour), 0)::bigint AS hour_verified,
       coalesce(sum(c.unverified) FILTER (WHERE is_hour), 0)::bigint AS hour_unverified,
       coalesce(sum(c.failed) FILTER (WHERE is_hour), 0)::bigint AS hour_failed,
       coalesce(sum(c.verified), 0)::bigint AS day_verified, coalesce(sum(c.unverified), 0)::bigint AS day_unverified,
       coalesce(sum(c.failed), 0)::bigint AS day_failed
  FROM watchkeeper.outcome_counting t
  LEFT JOIN watchkeeper.outcome_counts c
    ON c.project_id = %(project_id)s AND c.starts_at > t.counted_to - interval '1 day'
 CROSS JOIN LATERAL (SELECT c.starts_at > t.counted_to - interval '1 hour' AS is_hour) h
 GROUP BY t.counted_to

-- name: ended_by_hour
-- How many jobs of each kind ended well, and how many failed, in each of the last 24 hours; the newest hour is number 23.
SELECT c.kind, 23 - floor(extract(epoch FROM t.counted_to - c.starts_at) / 3600)::int AS hour,
       sum(c.verified + c.unverified)::bigint AS well, sum(c.failed)::bigint AS failed
  FROM watchkeeper.outcome_counting t
  JOIN watchkeeper.outcome_counts c ON c.project_id = %(project_id)s AND c.starts_at > t.counted_to - interval '1 day'
 GROUP BY 1, 2 ORDER BY 1, 2

-- name: at_work
-- What runs now, how many of it told of progress within an hour, and how many jobs the live workers could hold.
SELECT count(*) AS running,
       count(*) FILTER (WHERE greatest(l.progress_at, l.claimed_at) > (SELECT watchkeeper.now()) - interval '1 hour') AS progressed,
       (SELECT coalesce(sum(w.slots), 0) FROM watchkeeper.workers w
         WHERE w.project_id = %(project_id)s AND w.gone_at IS NULL AND w.stopped_at IS NULL AND NOT w.draining)::bigint AS slots
  FROM watchkeeper.leases l WHERE l.project_id = %(project_id)s

-- name: acts_of_people
-- What people did within the last hour, the newest first; that they came and went is no act.
SELECT a.at, a.event, a.actor, a.on_behalf_of, a.job_seq, s.id AS job_id, a.old_state, a.new_state, a.reason, a.data
  FROM (SELECT * FROM watchkeeper.audit_events
         WHERE project_id = %(project_id)s AND at > (SELECT watchkeeper.now()) - interval '1 hour'
           AND starts_with(actor, 'principal:') AND event <> 'jobs_enqueued'
           AND event NOT IN ('console_login', 'console_logout', 'login_code_created')
         ORDER BY at DESC LIMIT %(limit)s) a
  LEFT JOIN watchkeeper.job_specs s ON s.project_id = a.project_id AND s.seq = a.job_seq
 ORDER BY a.at DESC

-- name: first_waits
-- How long jobs waited until they were first claimed: of the newest 250 that run and the newest 250 that ran, if they were
-- claimed within an hour, the wait that 95 of 100 stayed below. What was to come later waits from its time on.
SELECT count(*) AS n, percentile_cont(0.95) WITHIN GROUP (ORDER BY f.wait) AS p95
  FROM (SELECT greatest(0, extract(epoch FROM a.started_at - greatest(s.created_at, s.run_at)))::float8 AS wait
          FROM ((SELECT seq, claimed_at AS started_at FROM watchkeeper.leases
                  WHERE project_id = %(project_id)s AND epoch = 1 ORDER BY seq DESC LIMIT 250)
                UNION ALL
                (SELECT seq, started_at FROM watchkeeper.closed_attempts
                  WHERE project_id = %(project_id)s AND epoch = 1 ORDER BY seq DESC LIMIT 250)) a
         CROSS JOIN LATERAL (SELECT created_at, run_at FROM watchkeeper.job_specs
                              WHERE project_id = %(project_id)s AND seq = a.seq LIMIT 1) s
         WHERE a.started_at > (SELECT watchkeeper.now()) - interval '1 hour') f
