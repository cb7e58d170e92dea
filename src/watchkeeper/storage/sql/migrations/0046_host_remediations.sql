-- Acts of the host guard, and when it is looked again after each. Plan, words and state are those of the repair of the same id.

CREATE TABLE IF NOT EXISTS watchkeeper.host_remediations (
  project_id   text NOT NULL,
  id           uuid NOT NULL,
  host         text NOT NULL,
  playbook     text NOT NULL,
  fingerprint  text NOT NULL,
  evidence_ref text,
  packet       jsonb NOT NULL,
  created_at   timestamptz NOT NULL DEFAULT watchkeeper.now(),
  incident_id  uuid,
  window_id    uuid,
  gates        jsonb,
  watched      jsonb,
  began_at     timestamptz,
  results      jsonb,
  sent_at      timestamptz,
  outcome      text CHECK (outcome IN ('verified', 'ineffective', 'harmful', 'no_data', 'superseded')),
  ended_at     timestamptz,
  recurred_at  timestamptz,
  recurred_as  uuid,
  PRIMARY KEY (project_id, id),
  CHECK ((outcome IS NULL) = (ended_at IS NULL))
);
CREATE INDEX IF NOT EXISTS host_remediations_begun ON watchkeeper.host_remediations (host, began_at) WHERE began_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS host_remediations_incident ON watchkeeper.host_remediations (project_id, incident_id)
  WHERE incident_id IS NOT NULL;

-- Written with the act itself, so that no crash in between loses a look.
CREATE TABLE IF NOT EXISTS watchkeeper.host_post_checks (
  project_id     text NOT NULL,
  remediation_id uuid NOT NULL,
  number         smallint NOT NULL,
  due_at         timestamptz NOT NULL,
  done_at        timestamptz,
  outcome        text CHECK (outcome IN ('verified', 'ineffective', 'harmful', 'no_data', 'superseded')),
  facts          jsonb,
  PRIMARY KEY (project_id, remediation_id, number),
  CHECK ((outcome IS NULL) = (done_at IS NULL))
);
CREATE INDEX IF NOT EXISTS host_post_checks_due ON watchkeeper.host_post_checks (due_at) WHERE done_at IS NULL;
