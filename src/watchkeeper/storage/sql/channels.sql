-- name: list_channels
-- The channels that a project made, never what they need to send.
SELECT name, kind, is_on, shown_address, quiet_from::text AS quiet_from, quiet_to::text AS quiet_to, time_zone, changed_by,
       change_reason, changed_at, disabled_at, disabled_reason, sent_at, failed_at, last_error, settings, language, per_hour,
       CASE WHEN hour_begins > watchkeeper.now() - interval '1 hour' THEN hour_sent ELSE 0 END AS hour_sent,
       CASE WHEN paused_until > watchkeeper.now() THEN paused_until END AS paused_until, quota_limit, quota_used, quota_at
  FROM watchkeeper.alert_channels WHERE project_id = %(project_id)s ORDER BY name

-- name: list_routes
-- By which channels a project's alerts go now, and whose these are.
SELECT name, kind, channel_project FROM watchkeeper.alert_routes WHERE project_id = %(project_id)s ORDER BY name

-- name: turn_channel_on
-- Turns a channel on, a new one or one that is known: what is not given of it stays as it was.
WITH put AS (
  INSERT INTO watchkeeper.alert_channels AS c (project_id, name, kind, shown_address, quiet_from, quiet_to, time_zone, settings,
                                               language, per_hour, changed_by, change_reason, changed_at)
  VALUES (%(project_id)s, %(name)s, %(kind)s, %(shown_address)s::text, %(quiet_from)s::text::time, %(quiet_to)s::text::time,
          %(time_zone)s, %(settings)s::text::jsonb, %(language)s, %(per_hour)s, %(actor)s, %(reason)s, watchkeeper.now())
  ON CONFLICT (project_id, name) DO UPDATE
     SET is_on = true, kind = excluded.kind, shown_address = coalesce(excluded.shown_address, c.shown_address),
         quiet_from = excluded.quiet_from, quiet_to = excluded.quiet_to, time_zone = excluded.time_zone,
         changed_by = excluded.changed_by, change_reason = excluded.change_reason, changed_at = excluded.changed_at,
         settings = excluded.settings, language = excluded.language, per_hour = excluded.per_hour, paused_until = NULL,
         quota_at = NULL, disabled_at = NULL, disabled_reason = NULL, last_error = NULL
  RETURNING name, kind, is_on, shown_address, quiet_from::text AS quiet_from, quiet_to::text AS quiet_to, time_zone, settings,
            language, per_hour
), kept AS (
  INSERT INTO watchkeeper.channel_secrets AS s (project_id, name, address, signing, secrets)
  SELECT %(project_id)s, %(name)s, coalesce(%(address)s::text, ''), coalesce(%(signing)s::text, ''), %(secrets)s::text::jsonb
   WHERE %(address)s::text IS NOT NULL OR %(secrets)s::text::jsonb <> '{}'
  ON CONFLICT (project_id, name) DO UPDATE
     SET address = coalesce(%(address)s::text, s.address), signing = coalesce(%(signing)s::text, s.signing),
         secrets = CASE WHEN %(is_other)s THEN excluded.secrets ELSE s.secrets || excluded.secrets END
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
-- One channel of a project, with the names of the secrets that it has.
SELECT c.name, c.kind, c.is_on, c.settings, c.language, c.time_zone, c.per_hour,
       ARRAY(SELECT jsonb_object_keys(s.secrets) FROM watchkeeper.channel_secrets s
              WHERE s.project_id = c.project_id AND s.name = c.name) AS secrets
  FROM watchkeeper.alert_channels c WHERE c.project_id = %(project_id)s AND c.name = %(name)s
