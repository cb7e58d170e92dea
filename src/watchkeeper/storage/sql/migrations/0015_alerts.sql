-- Alerts: the channels that people turned on, why an alert waits, and who acknowledged it.
--
-- What a channel needs to send stands in a table of its own, which no view and no answer shows: its whole address (a
-- path may be as good as a password) and the key that its messages are signed with.

CREATE TABLE IF NOT EXISTS watchkeeper.alert_channels (
  project_id      text NOT NULL,
  name            text NOT NULL CHECK (name ~ '^[a-z0-9][a-z0-9_.-]{0,62}$'),
  kind            text NOT NULL,
  is_on           boolean NOT NULL DEFAULT true,
  shown_address   text,
  quiet_from      time,
  quiet_to        time,
  time_zone       text NOT NULL DEFAULT 'UTC',
  changed_by      text NOT NULL,
  change_reason   text,
  changed_at      timestamptz NOT NULL DEFAULT watchkeeper.now(),
  disabled_at     timestamptz,
  disabled_reason text,
  sent_at         timestamptz,
  failed_at       timestamptz,
  last_error      text,
  PRIMARY KEY (project_id, name),
  CHECK ((quiet_from IS NULL) = (quiet_to IS NULL)),
  CHECK ((disabled_at IS NULL) = (disabled_reason IS NULL))
);

CREATE TABLE IF NOT EXISTS watchkeeper.channel_secrets (
  project_id text NOT NULL,
  name       text NOT NULL,
  address    text NOT NULL,
  signing    text NOT NULL,
  PRIMARY KEY (project_id, name)
);

ALTER TABLE watchkeeper.alerts
  ADD COLUMN IF NOT EXISTS held_reason     text,
  ADD COLUMN IF NOT EXISTS acknowledged_at timestamptz,
  ADD COLUMN IF NOT EXISTS acknowledged_by text;
CREATE INDEX IF NOT EXISTS alerts_group ON watchkeeper.alerts (project_id, group_key, channel, recipient, sent_at)
  WHERE sent_at IS NOT NULL AND group_key IS NOT NULL;

-- Which channels carry a project's alerts: its own that are on, else those of the whole installation; and the console,
-- which sends nothing anywhere, unless somebody turned it off.
CREATE OR REPLACE VIEW watchkeeper.alert_routes AS
SELECT p.project_id, c.project_id AS channel_project, c.name, c.kind, c.quiet_from, c.quiet_to, c.time_zone
  FROM (SELECT project_id FROM watchkeeper.projects UNION SELECT 'system') p
  JOIN watchkeeper.alert_channels c ON c.is_on AND c.kind <> 'console'
   AND (c.project_id = p.project_id
        OR c.project_id = 'system' AND NOT EXISTS (
             SELECT FROM watchkeeper.alert_channels own
              WHERE own.project_id = p.project_id AND own.is_on AND own.kind <> 'console'))
UNION ALL
SELECT p.project_id, p.project_id, 'console', 'console', c.quiet_from, c.quiet_to, coalesce(c.time_zone, 'UTC')
  FROM (SELECT project_id FROM watchkeeper.projects UNION SELECT 'system') p
  LEFT JOIN watchkeeper.alert_channels c ON c.project_id = p.project_id AND c.name = 'console'
 WHERE coalesce(c.is_on, true);
