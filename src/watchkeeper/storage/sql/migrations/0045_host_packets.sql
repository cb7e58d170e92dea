-- Event packets as hosts sent them, and what their scans came to, one row a host and day.

CREATE TABLE IF NOT EXISTS watchkeeper.host_packets (
  id             uuid NOT NULL DEFAULT watchkeeper.uuid7(),
  project_id     text NOT NULL,
  host_id        text NOT NULL,
  packet_key     text NOT NULL,
  incident_id    uuid,
  lane           text NOT NULL,
  classification text NOT NULL,
  action_policy  text NOT NULL,
  plan_digest    text NOT NULL,
  packet         jsonb NOT NULL,
  sha256         text NOT NULL,
  told_by        text NOT NULL,
  generated_at   timestamptz NOT NULL,
  created_at     timestamptz NOT NULL DEFAULT watchkeeper.now(),
  PRIMARY KEY (project_id, id)
);
CREATE INDEX IF NOT EXISTS host_packets_incident ON watchkeeper.host_packets (project_id, incident_id, id)
  WHERE incident_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS host_packets_group ON watchkeeper.host_packets (project_id, host_id, packet_key, id);
CREATE INDEX IF NOT EXISTS host_packets_loose ON watchkeeper.host_packets (created_at) WHERE incident_id IS NULL;

CREATE TABLE IF NOT EXISTS watchkeeper.host_readings (
  project_id            text NOT NULL,
  host_id               text NOT NULL,
  day                   timestamptz NOT NULL,
  scanned_at            timestamptz NOT NULL,
  monitor_up            boolean NOT NULL,
  processes             integer,
  unreadable            integer,
  orphan_browser_groups integer,
  orphan_browser_cores  double precision,
  active_ci_jobs        integer,
  active_ci_containers  integer,
  load5_per_core        double precision,
  load5_per_core_upper  double precision,
  swap_used_ratio       double precision,
  swap_used_ratio_upper double precision,
  groups                jsonb NOT NULL DEFAULT '[]',
  PRIMARY KEY (project_id, host_id, day)
);
CREATE INDEX IF NOT EXISTS host_readings_scanned ON watchkeeper.host_readings (scanned_at);
