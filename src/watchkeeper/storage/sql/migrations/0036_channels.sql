-- Channels of every kind: what each is told, its language, how much it carried in this hour and may in this month; and
-- of each alert at which moment it is sent, what it tells, which message carried it, and what its card shows now.

ALTER TABLE watchkeeper.alert_channels
  ADD COLUMN IF NOT EXISTS settings     jsonb NOT NULL DEFAULT '{}',
  ADD COLUMN IF NOT EXISTS language     text NOT NULL DEFAULT 'en',
  ADD COLUMN IF NOT EXISTS per_hour     integer NOT NULL DEFAULT 30 CHECK (per_hour > 0),
  ADD COLUMN IF NOT EXISTS hour_begins  timestamptz,
  ADD COLUMN IF NOT EXISTS hour_sent    integer NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS paused_until timestamptz,
  ADD COLUMN IF NOT EXISTS quota_limit  bigint,
  ADD COLUMN IF NOT EXISTS quota_used   bigint,
  ADD COLUMN IF NOT EXISTS quota_at     timestamptz;

ALTER TABLE watchkeeper.channel_secrets
  ADD COLUMN IF NOT EXISTS secrets jsonb NOT NULL DEFAULT '{}',
  ALTER COLUMN address SET DEFAULT '',
  ALTER COLUMN signing SET DEFAULT '';

ALTER TABLE watchkeeper.alerts
  ADD COLUMN IF NOT EXISTS moment      text NOT NULL DEFAULT 'notice',
  ADD COLUMN IF NOT EXISTS facts       jsonb NOT NULL DEFAULT '{}',
  ADD COLUMN IF NOT EXISTS message_id  uuid,
  ADD COLUMN IF NOT EXISTS card        text,
  ADD COLUMN IF NOT EXISTS story_ended timestamptz;

-- Stories that were told and are not over: what was sent before this migration is left alone.
UPDATE watchkeeper.alerts SET story_ended = watchkeeper.now()
 WHERE sent_at IS NOT NULL AND incident_id IS NOT NULL AND story_ended IS NULL;
CREATE INDEX IF NOT EXISTS alerts_stories ON watchkeeper.alerts (project_id, incident_id, channel)
  WHERE sent_at IS NOT NULL AND story_ended IS NULL AND incident_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS alerts_cards ON watchkeeper.alerts (project_id, incident_id) WHERE card IS NOT NULL;

-- How an incident stands, as a card of it shows: who takes care, what its last repair came to. `card` changes with it.
CREATE OR REPLACE VIEW watchkeeper.incident_standings AS
SELECT i.project_id, i.id AS incident_id, i.state, i.acknowledged_by, i.acknowledged_until, i.resolved_at, i.resolved_by,
       x.action AS repair_action, x.state AS repair_state, x.result AS repair_result, d.actor AS decided_by,
       concat_ws('|', i.state, i.acknowledged_by, i.acknowledged_until, x.id, x.state) AS card
  FROM watchkeeper.watchdog_incidents i
  LEFT JOIN LATERAL (SELECT r.id, r.action, r.state, r.result FROM watchkeeper.repair_actions r
                      WHERE r.project_id = i.project_id AND r.incident_id = i.id ORDER BY r.id DESC LIMIT 1) x ON true
  LEFT JOIN LATERAL (SELECT a.actor FROM watchkeeper.approvals a
                      WHERE a.project_id = i.project_id AND a.repair_id = x.id ORDER BY a.id DESC LIMIT 1) d ON true;
