-- name: open_window
-- Opens a maintenance window from a time on, for so long.
WITH opened AS (
  INSERT INTO watchkeeper.maintenance_windows (project_id, host_id, starts_at, ends_at, reason, opened_by)
  SELECT %(project_id)s, %(host_id)s::text, t.starts_at, t.starts_at + make_interval(secs => %(seconds)s::float8),
         %(reason)s, %(actor)s
    FROM (SELECT coalesce(%(starts_at)s::timestamptz, watchkeeper.now()) AS starts_at) t
  RETURNING *
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, reason, data)
  SELECT project_id, 'maintenance_window_opened', opened_by, reason,
         jsonb_build_object('window', id, 'host', host_id, 'starts_at', starts_at, 'ends_at', ends_at) FROM opened
)
SELECT * FROM opened

-- name: close_window
-- Closes a window before its end; no row where it is closed, over, or not there.
WITH closed AS (
  UPDATE watchkeeper.maintenance_windows SET closed_by = %(actor)s, closed_at = watchkeeper.now()
   WHERE project_id = %(project_id)s AND id = %(id)s::uuid AND closed_at IS NULL AND ends_at > (SELECT watchkeeper.now())
  RETURNING *
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, reason, data)
  SELECT project_id, 'maintenance_window_closed', %(actor)s, %(reason)s, jsonb_build_object('window', id, 'host', host_id)
    FROM closed
)
SELECT * FROM closed

-- name: maintenance_windows
-- The windows of a project, the newest first, each with whether it is open, to come, over or closed.
SELECT w.*, CASE WHEN w.closed_at IS NOT NULL THEN 'closed' WHEN w.ends_at <= t.now THEN 'over'
                 WHEN w.starts_at > t.now THEN 'to_come' ELSE 'open' END AS state
  FROM watchkeeper.maintenance_windows w CROSS JOIN (SELECT watchkeeper.now() AS now) t
 WHERE w.project_id = %(project_id)s AND (%(id)s::uuid IS NULL OR w.id = %(id)s::uuid)
 ORDER BY w.id DESC LIMIT %(limit)s
