-- What an incident keeps beside its finding: what else it is about, since when it is a symptom no more, whether it flaps.

ALTER TABLE watchkeeper.watchdog_incidents
  ADD COLUMN IF NOT EXISTS kind text,
  ADD COLUMN IF NOT EXISTS is_mirrored boolean NOT NULL DEFAULT false,
  ADD COLUMN IF NOT EXISTS first_evidence jsonb,
  ADD COLUMN IF NOT EXISTS freed_at timestamptz,
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

-- The audit rows of one incident, which may last for weeks.
CREATE INDEX IF NOT EXISTS audit_events_incident ON watchkeeper.audit_events (project_id, (data ->> 'incident_id'))
  WHERE data ->> 'incident_id' IS NOT NULL;
