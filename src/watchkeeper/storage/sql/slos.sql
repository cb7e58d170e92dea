-- name: slo_turn
-- Up to where ends of attempts are counted, for who has the turn to go on; no row where another machine counts.
SELECT counted_to, watchkeeper.now() AS now FROM watchkeeper.slo_state FOR UPDATE SKIP LOCKED

-- name: count_ends
-- Counts the ends of attempts of a time anew, by pool and five minutes. Those of shadow jobs, of people's words and of
-- used-up quotas are nobody's failure; a job handed back has not ended.
WITH ended AS (
  SELECT a.project_id, coalesce(w.pool, 'default') AS pool,
         date_bin('5 minutes', a.ended_at, '2000-01-01Z') AS begins_at,
         count(*) FILTER (WHERE a.outcome = 'completed') AS good,
         count(*) FILTER (WHERE a.outcome <> 'completed') AS bad
    FROM watchkeeper.closed_attempts a
    JOIN watchkeeper.job_specs s ON s.project_id = a.project_id AND s.seq = a.seq
    LEFT JOIN watchkeeper.workers w ON w.project_id = a.project_id AND w.worker_id = a.worker_id
   WHERE a.ended_at >= %(since)s AND a.ended_at < %(until)s
     AND a.outcome NOT IN ('released', 'paused', 'cancelled')
     AND a.cause IS DISTINCT FROM 'operator' AND a.cause IS DISTINCT FROM 'quota' AND NOT s.is_shadow
   GROUP BY 1, 2, 3
), counted AS (
  INSERT INTO watchkeeper.slo_counts AS c (project_id, pool, begins_at, good, bad)
  SELECT project_id, pool, begins_at, good, bad FROM ended
  ON CONFLICT (project_id, pool, begins_at) DO UPDATE SET good = excluded.good, bad = excluded.bad
   WHERE (c.good, c.bad) IS DISTINCT FROM (excluded.good, excluded.bad)
  RETURNING 1
), noted AS (
  UPDATE watchkeeper.slo_state SET counted_to = least(%(until)s, watchkeeper.now()), counted_at = watchkeeper.now()
)
SELECT count(*) AS changed FROM counted

-- name: slo_ends
-- How the attempts of each pool of a project ended within its period and within each window; pools without an end in the
-- time are left out. Windows are made of whole fives of minutes.
WITH clock AS (
  SELECT coalesce(counted_to, watchkeeper.now()) AS now FROM watchkeeper.slo_state
), own AS (
  SELECT * FROM unnest(%(pools)s::text[], %(days)s::float8[]) AS o(pool, days)
), counted AS (
  SELECT c.pool, c.good, c.bad, extract(epoch FROM clock.now - c.begins_at) AS age,
         coalesce(own.days, %(usual_days)s::float8) * 86400 AS period
    FROM watchkeeper.slo_counts c CROSS JOIN clock LEFT JOIN own ON own.pool = c.pool
   WHERE c.project_id = %(project_id)s
     AND c.begins_at > clock.now - %(longest_days)s::float8 * interval '1 day'
)
SELECT c.pool, w.seconds, sum(c.good)::bigint AS good, sum(c.bad)::bigint AS bad
  FROM counted c
  JOIN unnest(%(windows)s::float8[]) AS w(seconds) ON c.age < coalesce(w.seconds, c.period) + 300
 GROUP BY c.pool, w.seconds ORDER BY c.pool

-- name: slo_counting
-- Up to where the ends of attempts are counted, and the time; NULL before the first count.
SELECT counted_to, counted_at, watchkeeper.now() AS now FROM watchkeeper.slo_state

-- name: projects_that_fail
-- Projects of which attempts failed within the last counted six hours: nothing burns where nothing has failed lately.
WITH RECURSIVE pools AS (
  (SELECT project_id, pool FROM watchkeeper.slo_counts ORDER BY project_id, pool LIMIT 1)
  UNION ALL
  SELECT n.project_id, n.pool FROM pools p CROSS JOIN LATERAL (
    SELECT c.project_id, c.pool FROM watchkeeper.slo_counts c WHERE (c.project_id, c.pool) > (p.project_id, p.pool)
     ORDER BY c.project_id, c.pool LIMIT 1) n
)
SELECT DISTINCT p.project_id FROM pools p CROSS JOIN watchkeeper.slo_state s
 WHERE EXISTS (SELECT FROM watchkeeper.slo_counts c
                WHERE c.project_id = p.project_id AND c.pool = p.pool AND c.bad > 0
                  AND c.begins_at > s.counted_to - interval '6 hours 5 minutes')
