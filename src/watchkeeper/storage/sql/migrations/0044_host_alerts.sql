-- What Alertmanager told of hosts, each alert once however often it is sent, and the host incidents that came of it.

CREATE TABLE IF NOT EXISTS watchkeeper.host_alerts (
  id               uuid NOT NULL DEFAULT watchkeeper.uuid7(),
  project_id       text NOT NULL,
  digest           bytea NOT NULL,
  group_key        text NOT NULL,
  fingerprint      text,
  status           text,
  alertname        text,
  host_id          text,
  starts_at        timestamptz,
  ends_at          timestamptz,
  over_at          timestamptz,
  problem          text,
  given            jsonb NOT NULL,
  incident_id      uuid,
  received_by      text NOT NULL,
  times            integer NOT NULL DEFAULT 1,
  received_at      timestamptz NOT NULL DEFAULT watchkeeper.now(),
  last_received_at timestamptz NOT NULL DEFAULT watchkeeper.now(),
  PRIMARY KEY (project_id, id)
);
CREATE UNIQUE INDEX IF NOT EXISTS host_alerts_once ON watchkeeper.host_alerts (project_id, digest);
CREATE INDEX IF NOT EXISTS host_alerts_fingerprint ON watchkeeper.host_alerts (project_id, fingerprint, status)
  WHERE fingerprint IS NOT NULL;
CREATE INDEX IF NOT EXISTS host_alerts_incident ON watchkeeper.host_alerts (project_id, incident_id)
  WHERE incident_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS host_alerts_received ON watchkeeper.host_alerts (last_received_at);

-- Alertmanager's groups: when each was last heard of, and how many of its alerts were cut off.
CREATE TABLE IF NOT EXISTS watchkeeper.host_alert_groups (
  project_id       text NOT NULL,
  digest           bytea NOT NULL,
  group_key        text NOT NULL,
  receiver         text,
  deliveries       integer NOT NULL DEFAULT 1,
  truncated        integer NOT NULL DEFAULT 0,
  truncated_at     timestamptz,
  received_at      timestamptz NOT NULL DEFAULT watchkeeper.now(),
  last_received_at timestamptz NOT NULL DEFAULT watchkeeper.now(),
  PRIMARY KEY (project_id, digest)
);

-- What an incident of a host has beside what all have. `assets_written_at` is set by the transaction that writes the five
-- assets; `packet_wanted_at` asks the host's own guard for an event packet, and is cleared by the one that comes.
CREATE TABLE IF NOT EXISTS watchkeeper.host_incidents (
  project_id        text NOT NULL,
  incident_id       uuid NOT NULL,
  host_id           text NOT NULL,
  alertname         text NOT NULL,
  lane              text NOT NULL,
  packet_wanted_at  timestamptz,
  packet_id         uuid,
  assets_written_at timestamptz,
  created_at        timestamptz NOT NULL DEFAULT watchkeeper.now(),
  PRIMARY KEY (project_id, incident_id)
);
CREATE INDEX IF NOT EXISTS host_incidents_wanted ON watchkeeper.host_incidents (packet_wanted_at)
  WHERE packet_wanted_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS host_incidents_host ON watchkeeper.host_incidents (project_id, host_id, incident_id);
