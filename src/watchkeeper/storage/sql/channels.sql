-- name: list_channels
-- The channels that a project made, never what they need to send.
SELECT name, kind, is_on, shown_address, quiet_from::text AS quiet_from, quiet_to::text AS quiet_to, time_zone, changed_by,
       change_reason, changed_at, disabled_at, disabled_reason, sent_at, failed_at, last_error
  FROM watchkeeper.alert_channels WHERE project_id = %(project_id)s ORDER BY name

-- name: list_routes
-- By which channels a project's alerts go now, and whose these are.
SELECT name, kind, channel_project FROM watchkeeper.alert_routes WHERE project_id = %(project_id)s ORDER BY name

-- name: turn_channel_on
-- Turns a channel on, a new one or one that is known: what is not given of it stays as it was.
WITH put AS (
  INSERT INTO watchkeeper.alert_channels AS c (project_id, name, kind, shown_address, quiet_from, quiet_to, time_zone,
                                               changed_by, change_reason, changed_at)
  VALUES (%(project_id)s, %(name)s, %(kind)s, %(shown_address)s::text, %(quiet_from)s::text::time, %(quiet_to)s::text::time,
          %(time_zone)s, %(actor)s, %(reason)s, watchkeeper.now())
  ON CONFLICT (project_id, name) DO UPDATE
     SET is_on = true, kind = excluded.kind, shown_address = coalesce(excluded.shown_address, c.shown_address),
         quiet_from = excluded.quiet_from, quiet_to = excluded.quiet_to, time_zone = excluded.time_zone,
         changed_by = excluded.changed_by, change_reason = excluded.change_reason, changed_at = excluded.changed_at,
         disabled_at = NULL, disabled_reason = NULL, last_error = NULL
  RETURNING name, kind, is_on, shown_address, quiet_from::text AS quiet_from, quiet_to::text AS quiet_to, time_zone
), kept AS (
  INSERT INTO watchkeeper.channel_secrets AS s (project_id, name, address, signing)
  SELECT %(project_id)s, %(name)s, %(address)s::text, %(signing)s::text WHERE %(address)s::text IS NOT NULL
  ON CONFLICT (project_id, name) DO UPDATE SET address = excluded.address, signing = excluded.signing
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, reason, data)
  SELECT %(project_id)s, 'channel_changed', %(actor)s, %(reason)s, to_jsonb(put) FROM put
)
SELECT * FROM put

-- name: turn_channel_off
-- Turns a channel off; the console's row is made for it. No row where there is no such channel.
WITH changed AS (
  INSERT INTO watchkeeper.alert_channels AS c (project_id, name, kind, is_on, changed_by, change_reason, changed_at)
  SELECT %(project_id)s, %(name)s, 'console', false, %(actor)s, %(reason)s, watchkeeper.now()
   WHERE %(name)s = 'console'
      OR EXISTS (SELECT FROM watchkeeper.alert_channels k WHERE k.project_id = %(project_id)s AND k.name = %(name)s)
  ON CONFLICT (project_id, name) DO UPDATE
     SET is_on = false, changed_by = excluded.changed_by, change_reason = excluded.change_reason, changed_at = excluded.changed_at
  RETURNING name, kind, is_on
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, reason, data)
  SELECT %(project_id)s, 'channel_changed', %(actor)s, %(reason)s, to_jsonb(changed) FROM changed
)
SELECT * FROM changed

-- name: find_channel
-- One channel of a project.
SELECT name, kind, is_on FROM watchkeeper.alert_channels WHERE project_id = %(project_id)s AND name = %(name)s
