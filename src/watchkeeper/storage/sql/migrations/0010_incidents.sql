-- What an incident keeps beside its finding: what else it is about, when it asks for a person, whether it flaps.
--
-- An acknowledgement and a word for silence mute people; neither stops the record, nor what a policy lets act.

ALTER TABLE watchkeeper.watchdog_incidents
  ADD COLUMN IF NOT EXISTS kind text,
  ADD COLUMN IF NOT EXISTS is_mirrored boolean NOT NULL DEFAULT false,
  ADD COLUMN IF NOT EXISTS first_evidence jsonb,
  ADD COLUMN IF NOT EXISTS asks_at timestamptz,
  ADD COLUMN IF NOT EXISTS acknowledged_from text,
  ADD COLUMN IF NOT EXISTS quiet_reason text,
  ADD COLUMN IF NOT EXISTS is_flapping boolean NOT NULL DEFAULT false,
  ADD COLUMN IF NOT EXISTS passing_since timestamptz,
  ADD COLUMN IF NOT EXISTS resolved_by text;

CREATE INDEX IF NOT EXISTS watchdog_incidents_unresolved ON watchkeeper.watchdog_incidents (project_id, rule, id)
  WHERE state <> 'resolved';
CREATE INDEX IF NOT EXISTS watchdog_incidents_symptoms ON watchkeeper.watchdog_incidents (cause_id)
  WHERE cause_id IS NOT NULL AND state <> 'resolved';
CREATE INDEX IF NOT EXISTS watchdog_incidents_worker ON watchkeeper.watchdog_incidents (project_id, worker_id, id)
  WHERE worker_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS watchdog_incidents_opened ON watchkeeper.watchdog_incidents (opened_at);

-- Whether people are to be told of an incident now: the one predicate of counters, lists, alerts and the API.
CREATE OR REPLACE FUNCTION watchkeeper.asks_people(incident watchkeeper.watchdog_incidents, at timestamptz)
RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT incident.state <> 'resolved' AND incident.cause_id IS NULL AND coalesce(incident.asks_at <= at, false)
         AND coalesce(incident.quiet_until <= at, true) AND coalesce(incident.acknowledged_until <= at, true)
         AND (incident.severity = 'critical' OR incident.state NOT IN ('repairing', 'verifying'))
$$;
