-- name: lock_breaker
-- Makes the row of a rule's breaker in a pool, and locks it.
INSERT INTO watchkeeper.repair_breakers (project_id, rule, pool) VALUES (%(project_id)s, %(trigger)s, %(pool)s)
ON CONFLICT (project_id, rule, pool) DO UPDATE SET attempts = repair_breakers.attempts
RETURNING rule

-- name: count_breaker
-- Counts the attempts of a rule in a pool since the window began or a person reset it, and trips the breaker where they are
-- too many.
WITH clock AS MATERIALIZED (
  SELECT watchkeeper.now() AS now
), counted AS MATERIALIZED (
  SELECT b.*, (b.tripped_at IS NOT NULL AND (b.reset_at IS NULL OR b.reset_at < b.tripped_at)) AS was_tripped,
         (SELECT count(*)::int FROM watchkeeper.repair_actions r
           WHERE r.project_id = b.project_id AND r.trigger = b.rule AND r.pool = b.pool
             AND r.attempted_at > greatest(clock.now - make_interval(secs => %(window_seconds)s),
                                           coalesce(b.reset_at, '-infinity'))) AS tried, clock.now
    FROM watchkeeper.repair_breakers b CROSS JOIN clock
   WHERE b.project_id = %(project_id)s AND b.rule = %(trigger)s AND b.pool = %(pool)s
), tripped AS (
  UPDATE watchkeeper.repair_breakers b SET tripped_at = c.now, attempts = c.tried
    FROM counted c
   WHERE b.project_id = c.project_id AND b.rule = c.rule AND b.pool = c.pool
     AND NOT c.was_tripped AND c.tried >= %(attempts)s
  RETURNING b.rule, b.pool, b.attempts
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, data)
  SELECT %(project_id)s, 'breaker_tripped', 'system', jsonb_build_object('rule', rule, 'pool', pool, 'attempts', attempts)
    FROM tripped
)
SELECT was_tripped OR tried >= %(attempts)s AS is_tripped FROM counted

-- name: list_breakers
-- The breakers of a project that were ever counted, the tripped ones first.
SELECT rule, pool, attempts, tripped_at, reset_at, reset_by, reset_reason,
       tripped_at IS NOT NULL AND (reset_at IS NULL OR reset_at < tripped_at) AS is_tripped,
       (SELECT count(*) FROM watchkeeper.repair_actions r
         WHERE r.project_id = b.project_id AND r.trigger = b.rule AND r.pool = b.pool
           AND r.state IN ('proposed', 'approved') AND r.plan ->> 'authority' IS NOT NULL) AS waiting
  FROM watchkeeper.repair_breakers b WHERE project_id = %(project_id)s
 ORDER BY is_tripped DESC, rule, pool

-- name: reset_breaker
-- Lets a rule act in a pool again; no row for a breaker that is not tripped.
WITH reset AS (
  UPDATE watchkeeper.repair_breakers
     SET reset_at = watchkeeper.now(), reset_by = %(actor)s, reset_reason = %(reason)s
   WHERE project_id = %(project_id)s AND rule = %(rule)s AND pool = %(pool)s
     AND tripped_at IS NOT NULL AND (reset_at IS NULL OR reset_at < tripped_at)
  RETURNING rule, pool
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, reason, data)
  SELECT %(project_id)s, 'breaker_reset', %(actor)s, %(reason)s,
         jsonb_build_object('rule', rule, 'pool', pool, 'waiting', %(waiting)s::text) FROM reset
)
SELECT rule FROM reset

-- name: lock_waiting_repairs
-- The repairs of a rule in a pool that waited for its breaker, locked.
SELECT r.* FROM watchkeeper.repair_actions r
 WHERE r.project_id = %(project_id)s AND r.trigger = %(rule)s AND r.pool = %(pool)s
   AND (r.state = 'approved' OR (r.state = 'proposed' AND r.plan ->> 'authority' = 'system'))
 ORDER BY r.id FOR UPDATE

-- name: find_breaker
-- One breaker, tripped or not.
SELECT rule FROM watchkeeper.repair_breakers
 WHERE project_id = %(project_id)s AND rule = %(rule)s AND pool = %(pool)s
