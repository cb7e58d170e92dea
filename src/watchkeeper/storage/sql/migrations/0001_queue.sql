-- The queue: projects, kinds, jobs and their lives, workers, tokens, audit.
--
-- A job's state is the table it stands in: ready_jobs and scheduled_jobs (pending), leases (running),
-- held_jobs (stuck, paused), job_outcomes (completed, failed, cancelled). Each transition is one statement that
-- deletes from one table and inserts what it deleted into another, so that a job is never in two states and never
-- in none. job_specs holds what never changes. The view "jobs" joins them for readers.

CREATE SCHEMA IF NOT EXISTS watchkeeper;

-- The one clock. Tests replace it by a clock that they can move; production never does.
CREATE FUNCTION watchkeeper.now() RETURNS timestamptz
LANGUAGE sql VOLATILE AS 'SELECT clock_timestamp()';

-- UUIDv7 (RFC 9562, section 5.7): 48 bits of Unix milliseconds, then random bits.
DO $$
BEGIN
  IF current_setting('server_version_num')::int >= 180000 THEN
    CREATE FUNCTION watchkeeper.uuid7() RETURNS uuid LANGUAGE sql VOLATILE AS 'SELECT uuidv7()';
  ELSE
    CREATE FUNCTION watchkeeper.uuid7() RETURNS uuid LANGUAGE sql VOLATILE AS $f$
      SELECT encode(
        set_bit(set_bit(
          overlay(uuid_send(gen_random_uuid())
                  PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3)
                  FROM 1 FOR 6),
          52, 1), 53, 1), 'hex')::uuid
    $f$;
  END IF;
END
$$;

CREATE TABLE watchkeeper.projects (
  project_id    text PRIMARY KEY CHECK (project_id ~ '^[a-z0-9][a-z0-9_.-]{0,62}$'),
  title         text NOT NULL DEFAULT '',
  force_shadow  boolean NOT NULL DEFAULT false,
  paused_at     timestamptz,
  paused_by     text,
  pause_reason  text,
  started_at    timestamptz NOT NULL DEFAULT watchkeeper.now(),
  created_at    timestamptz NOT NULL DEFAULT watchkeeper.now()
);

CREATE TABLE watchkeeper.job_kinds (
  project_id                text NOT NULL REFERENCES watchkeeper.projects ON DELETE CASCADE,
  kind                      text NOT NULL CHECK (kind ~ '^[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}$'),
  declared                  boolean NOT NULL DEFAULT false,
  contract                  jsonb,
  lease                     text CHECK (lease IN ('session', 'runtime')),
  lease_seconds             integer CHECK (lease_seconds BETWEEN 2 AND 86400),
  on_lost                   text NOT NULL DEFAULT 'hold' CHECK (on_lost IN ('requeue', 'hold', 'fail')),
  max_attempts              integer NOT NULL DEFAULT 3 CHECK (max_attempts >= 1),
  max_lost_leases           integer NOT NULL DEFAULT 3 CHECK (max_lost_leases >= 1),
  progress_deadline_minutes double precision CHECK (progress_deadline_minutes > 0),
  hard_cap_minutes          double precision CHECK (hard_cap_minutes > 0),
  tool_limit_minutes        double precision CHECK (tool_limit_minutes > 0),
  concurrency               integer CHECK (concurrency >= 1),
  priority                  smallint NOT NULL DEFAULT 0,
  tokens_limit              bigint CHECK (tokens_limit > 0),
  cost_limit                numeric CHECK (cost_limit > 0),
  persona                   text,
  secrets                   text NOT NULL DEFAULT 'flag' CHECK (secrets IN ('flag', 'refuse')),
  paused_at                 timestamptz,
  paused_by                 text,
  pause_reason              text,
  created_at                timestamptz NOT NULL DEFAULT watchkeeper.now(),
  updated_at                timestamptz NOT NULL DEFAULT watchkeeper.now(),
  PRIMARY KEY (project_id, kind)
);

-- What was asked for. Written once.
CREATE TABLE watchkeeper.job_specs (
  project_id       text NOT NULL,
  seq              bigint GENERATED ALWAYS AS IDENTITY,
  id               uuid NOT NULL DEFAULT watchkeeper.uuid7(),
  kind             text NOT NULL,
  payload          jsonb NOT NULL DEFAULT '{}',
  contract         jsonb,
  priority         smallint NOT NULL DEFAULT 0,
  run_at           timestamptz,
  unique_key       text,
  external_id      text,
  origin           text NOT NULL DEFAULT 'own',
  deliverable_id   text,
  is_shadow        boolean NOT NULL DEFAULT false,
  secret_suspected boolean NOT NULL DEFAULT false,
  retry_of         uuid,
  enqueued_by      text,
  created_at       timestamptz NOT NULL DEFAULT watchkeeper.now(),
  PRIMARY KEY (project_id, seq)
);
CREATE UNIQUE INDEX job_specs_id ON watchkeeper.job_specs (project_id, id);
CREATE UNIQUE INDEX job_specs_external_id ON watchkeeper.job_specs (project_id, origin, external_id)
  WHERE external_id IS NOT NULL;

-- The counters that travel with a live job: epoch rises by one with every claim and never falls; agent_errors counts
-- what uses up max_attempts; lost_leases counts what uses up max_lost_leases.
CREATE TABLE watchkeeper.ready_jobs (
  project_id   text NOT NULL,
  kind         text NOT NULL,
  priority     smallint NOT NULL,
  seq          bigint NOT NULL,
  epoch        integer NOT NULL DEFAULT 0,
  agent_errors smallint NOT NULL DEFAULT 0,
  lost_leases  smallint NOT NULL DEFAULT 0,
  ready_at     timestamptz NOT NULL DEFAULT watchkeeper.now()
) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0);
CREATE UNIQUE INDEX ready_jobs_claim ON watchkeeper.ready_jobs (project_id, kind, priority DESC, seq);

CREATE TABLE watchkeeper.scheduled_jobs (
  project_id   text NOT NULL,
  seq          bigint NOT NULL,
  kind         text NOT NULL,
  priority     smallint NOT NULL,
  epoch        integer NOT NULL DEFAULT 0,
  agent_errors smallint NOT NULL DEFAULT 0,
  lost_leases  smallint NOT NULL DEFAULT 0,
  run_at       timestamptz NOT NULL,
  PRIMARY KEY (project_id, seq)
);
CREATE INDEX scheduled_jobs_due ON watchkeeper.scheduled_jobs (run_at);

-- One row is the one live lease of a running job, and the open attempt. Renewals touch no index: they stay HOT.
CREATE TABLE watchkeeper.leases (
  project_id          text NOT NULL,
  seq                 bigint NOT NULL,
  kind                text NOT NULL,
  priority            smallint NOT NULL,
  epoch               integer NOT NULL,
  agent_errors        smallint NOT NULL,
  lost_leases         smallint NOT NULL,
  worker_id           text NOT NULL,
  token_hash          bytea NOT NULL,
  profile             text NOT NULL,
  lease_seconds       integer NOT NULL,
  phase               text,
  claimed_at          timestamptz NOT NULL,
  renewed_at          timestamptz NOT NULL,
  expires_at          timestamptz NOT NULL,
  used_at             timestamptz,
  progress_at         timestamptz,
  cancel_requested_at timestamptz,
  cancel_requested_by text,
  cancel_reason       text,
  PRIMARY KEY (project_id, seq)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX leases_session_worker ON watchkeeper.leases (project_id, worker_id) WHERE profile = 'session';

CREATE TABLE watchkeeper.held_jobs (
  project_id   text NOT NULL,
  seq          bigint NOT NULL,
  kind         text NOT NULL,
  priority     smallint NOT NULL,
  epoch        integer NOT NULL,
  agent_errors smallint NOT NULL,
  lost_leases  smallint NOT NULL,
  state        text NOT NULL CHECK (state IN ('stuck', 'paused')),
  state_reason text NOT NULL,
  detail       jsonb,
  held_by      text,
  held_at      timestamptz NOT NULL DEFAULT watchkeeper.now(),
  PRIMARY KEY (project_id, seq)
);

-- The primary key is the promise that a job ends at most once.
CREATE TABLE watchkeeper.job_outcomes (
  project_id   text NOT NULL,
  seq          bigint NOT NULL,
  state        text NOT NULL CHECK (state IN ('completed', 'failed', 'cancelled')),
  state_reason text,
  code         text,
  verified     text CHECK (verified IN ('artifact', 'none')),
  summary      text,
  epoch        integer NOT NULL,
  finished_at  timestamptz NOT NULL DEFAULT watchkeeper.now(),
  PRIMARY KEY (project_id, seq),
  CHECK ((state = 'completed') = (verified IS NOT NULL))
);
CREATE INDEX job_outcomes_unwell ON watchkeeper.job_outcomes (project_id, state, seq) WHERE state <> 'completed';

-- A closed attempt; the open one is the lease.
CREATE TABLE watchkeeper.closed_attempts (
  project_id  text NOT NULL,
  seq         bigint NOT NULL,
  epoch       integer NOT NULL,
  worker_id   text NOT NULL,
  outcome     text NOT NULL CHECK (outcome IN ('completed', 'failed', 'stuck', 'paused', 'cancelled', 'released', 'lost')),
  cause       text CHECK (cause IN ('agent_error', 'infrastructure', 'lease_lost', 'quota', 'gate', 'operator')),
  error       text,
  token_hash  bytea NOT NULL,
  answer      jsonb,
  session_id  uuid,
  tokens_used bigint,
  cost        numeric,
  started_at  timestamptz NOT NULL,
  ended_at    timestamptz NOT NULL DEFAULT watchkeeper.now(),
  PRIMARY KEY (project_id, seq, epoch)
);

-- Which unfinished job holds a unique key.
CREATE TABLE watchkeeper.unique_keys (
  project_id text NOT NULL,
  kind       text NOT NULL,
  unique_key text NOT NULL,
  seq        bigint NOT NULL,
  PRIMARY KEY (project_id, kind, unique_key)
);
CREATE INDEX unique_keys_seq ON watchkeeper.unique_keys (project_id, seq);

CREATE TABLE watchkeeper.schedules (
  project_id text NOT NULL REFERENCES watchkeeper.projects ON DELETE CASCADE,
  name       text NOT NULL,
  cron       text NOT NULL,
  time_zone  text NOT NULL DEFAULT 'UTC',
  kind       text NOT NULL,
  payload    jsonb NOT NULL DEFAULT '{}',
  next_at    timestamptz NOT NULL,
  created_at timestamptz NOT NULL DEFAULT watchkeeper.now(),
  PRIMARY KEY (project_id, name)
);

CREATE TABLE watchkeeper.workers (
  project_id         text NOT NULL,
  worker_id          text NOT NULL,
  profile            text NOT NULL CHECK (profile IN ('session', 'runtime')),
  slots              integer NOT NULL DEFAULT 1 CHECK (slots >= 1),
  kinds              text[],
  role               text,
  pool               text NOT NULL DEFAULT 'default',
  persona            text,
  host_id            text,
  version            text,
  automation_id      text,
  no_job_count       integer NOT NULL DEFAULT 0,
  declined           jsonb,
  declined_at        timestamptz,
  draining           boolean NOT NULL DEFAULT false,
  stopped_at         timestamptz,
  stopped_by         text,
  stop_reason        text,
  touch_requested_at timestamptz,
  touched_at         timestamptz,
  doctor_ok          boolean,
  registered_at      timestamptz NOT NULL DEFAULT watchkeeper.now(),
  last_seen_at       timestamptz NOT NULL DEFAULT watchkeeper.now(),
  gone_at            timestamptz,
  PRIMARY KEY (project_id, worker_id)
) WITH (fillfactor = 70);

-- One round of a contract worker, from doctor to complete.
CREATE TABLE watchkeeper.worker_heartbeats (
  id               uuid NOT NULL DEFAULT watchkeeper.uuid7(),
  project_id       text NOT NULL,
  worker_id        text NOT NULL,
  automation_id    text,
  status           text NOT NULL,
  doctor_ok        boolean,
  touch_ok         boolean,
  claim_ok         boolean,
  current_job_id   uuid,
  lease_expires_at timestamptz,
  created_at       timestamptz NOT NULL DEFAULT watchkeeper.now(),
  PRIMARY KEY (project_id, id)
);

CREATE TABLE watchkeeper.worker_runs (
  id         uuid NOT NULL DEFAULT watchkeeper.uuid7(),
  project_id text NOT NULL,
  worker_id  text NOT NULL,
  job_id     uuid,
  epoch      integer,
  phase      text NOT NULL,
  status     text NOT NULL CHECK (status IN ('ok', 'failed', 'retried', 'stuck')),
  message    text,
  payload    jsonb,
  started_at timestamptz NOT NULL DEFAULT watchkeeper.now(),
  ended_at   timestamptz,
  PRIMARY KEY (project_id, id)
);
CREATE INDEX worker_runs_job ON watchkeeper.worker_runs (project_id, job_id, id) WHERE job_id IS NOT NULL;

CREATE TABLE watchkeeper.helper_events (
  id          uuid NOT NULL DEFAULT watchkeeper.uuid7(),
  project_id  text NOT NULL,
  worker_id   text,
  job_id      uuid,
  command     text NOT NULL,
  exit_code   integer NOT NULL,
  output      text,
  output_hash text,
  error_code  text,
  created_at  timestamptz NOT NULL DEFAULT watchkeeper.now(),
  PRIMARY KEY (project_id, id)
);
CREATE INDEX helper_events_job ON watchkeeper.helper_events (project_id, job_id, id) WHERE job_id IS NOT NULL;

-- Who waits for a wake-up; lost in a crash, when polling takes over.
CREATE UNLOGGED TABLE watchkeeper.sleepers (
  project_id text NOT NULL,
  worker_id  text NOT NULL,
  kinds      text[],
  since      timestamptz NOT NULL,
  PRIMARY KEY (project_id, worker_id)
);

CREATE TABLE watchkeeper.pool_parks (
  project_id text NOT NULL,
  pool       text NOT NULL,
  until      timestamptz NOT NULL,
  reason     text NOT NULL,
  parked_at  timestamptz NOT NULL DEFAULT watchkeeper.now(),
  PRIMARY KEY (project_id, pool)
);

CREATE TABLE watchkeeper.switches (
  name       text PRIMARY KEY CHECK (name IN ('claims', 'actions')),
  is_on      boolean NOT NULL DEFAULT true,
  reason     text,
  changed_by text,
  changed_at timestamptz NOT NULL DEFAULT watchkeeper.now()
);
INSERT INTO watchkeeper.switches (name) VALUES ('claims'), ('actions');

-- What the reapers of all machines know of each other: when one last ticked, and since when nothing may be reaped
-- before a whole lease period has passed.
CREATE TABLE watchkeeper.reaper_state (
  only_row         boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  last_tick_at     timestamptz,
  quiet_since      timestamptz NOT NULL DEFAULT '-infinity',
  server_started   timestamptz,
  server_timeline  text
);
INSERT INTO watchkeeper.reaper_state DEFAULT VALUES;

CREATE TABLE watchkeeper.artifacts (
  id               uuid NOT NULL DEFAULT watchkeeper.uuid7(),
  project_id       text NOT NULL,
  seq              bigint NOT NULL,
  epoch            integer NOT NULL,
  kind             text NOT NULL,
  name             text NOT NULL,
  title            text,
  url              text NOT NULL,
  sha256           text,
  bytes            bigint,
  media_type       text,
  is_primary       boolean NOT NULL DEFAULT false,
  secret_suspected boolean NOT NULL DEFAULT false,
  created_at       timestamptz NOT NULL DEFAULT watchkeeper.now(),
  PRIMARY KEY (project_id, id)
);
CREATE INDEX artifacts_job ON watchkeeper.artifacts (project_id, seq, epoch);
CREATE INDEX artifacts_sha256 ON watchkeeper.artifacts (project_id, sha256) WHERE sha256 IS NOT NULL;

CREATE TABLE watchkeeper.artifact_checks (
  id          uuid NOT NULL DEFAULT watchkeeper.uuid7(),
  project_id  text NOT NULL,
  seq         bigint NOT NULL,
  epoch       integer NOT NULL,
  command     text NOT NULL CHECK (command IN ('verify', 'complete')),
  primary_url text,
  http_status integer,
  file_count  integer NOT NULL DEFAULT 0,
  files       jsonb NOT NULL DEFAULT '[]',
  failed      jsonb NOT NULL DEFAULT '[]',
  passed      boolean NOT NULL,
  output_hash text NOT NULL,
  checked_at  timestamptz NOT NULL DEFAULT watchkeeper.now(),
  PRIMARY KEY (project_id, id)
);
CREATE INDEX artifact_checks_job ON watchkeeper.artifact_checks (project_id, seq, epoch);

-- Completions that came too late: kept, with their artifacts, for a person.
CREATE TABLE watchkeeper.reconcile_items (
  id          uuid NOT NULL DEFAULT watchkeeper.uuid7(),
  project_id  text NOT NULL,
  job_id      uuid NOT NULL,
  seq         bigint NOT NULL,
  epoch       integer,
  worker_id   text,
  command     text NOT NULL,
  body        jsonb NOT NULL,
  reason      text NOT NULL,
  decision    text,
  decided_by  text,
  decided_at  timestamptz,
  created_at  timestamptz NOT NULL DEFAULT watchkeeper.now(),
  PRIMARY KEY (project_id, id)
);

CREATE TABLE watchkeeper.principals (
  id         uuid PRIMARY KEY DEFAULT watchkeeper.uuid7(),
  name       text NOT NULL UNIQUE,
  kind       text NOT NULL CHECK (kind IN ('person', 'service', 'agent')),
  created_at timestamptz NOT NULL DEFAULT watchkeeper.now()
);

CREATE TABLE watchkeeper.tokens (
  id           uuid PRIMARY KEY DEFAULT watchkeeper.uuid7(),
  principal_id uuid NOT NULL REFERENCES watchkeeper.principals,
  role         text NOT NULL CHECK (role IN ('viewer', 'worker', 'supervisor', 'owner')),
  project_id   text,
  secret_hash  bytea NOT NULL UNIQUE,
  job_seq      bigint,
  job_epoch    integer,
  minted_by    uuid REFERENCES watchkeeper.principals,
  expires_at   timestamptz,
  revoked_at   timestamptz,
  last_used_at timestamptz,
  created_at   timestamptz NOT NULL DEFAULT watchkeeper.now(),
  CHECK ((job_seq IS NULL) = (job_epoch IS NULL)),
  CHECK (role <> 'worker' OR project_id IS NOT NULL)
);

CREATE TABLE watchkeeper.idempotency_records (
  project_id   text NOT NULL,
  principal_id uuid NOT NULL,
  route        text NOT NULL,
  key          text NOT NULL,
  request_hash bytea NOT NULL,
  status       integer,
  answer       jsonb,
  created_at   timestamptz NOT NULL DEFAULT watchkeeper.now(),
  PRIMARY KEY (project_id, principal_id, route, key)
);
CREATE INDEX idempotency_records_age ON watchkeeper.idempotency_records (created_at);

-- The audit trail. Rows ride in the transaction that they describe; (timeline, xid, seq) is the total order in which a
-- sealer will chain them behind the cluster's xid horizon.
CREATE SEQUENCE watchkeeper.audit_events_seq AS bigint CACHE 1;
CREATE TABLE watchkeeper.audit_events (
  seq          bigint NOT NULL DEFAULT nextval('watchkeeper.audit_events_seq'),
  timeline     integer NOT NULL DEFAULT 1,
  xid          xid8 NOT NULL DEFAULT pg_current_xact_id(),
  at           timestamptz NOT NULL DEFAULT watchkeeper.now(),
  project_id   text NOT NULL,
  event        text NOT NULL,
  actor        text NOT NULL,
  on_behalf_of text,
  job_seq      bigint,
  epoch        integer,
  old_state    text,
  new_state    text,
  reason       text,
  data         jsonb,
  output_hash  text
) PARTITION BY RANGE (at);
CREATE INDEX audit_events_job ON watchkeeper.audit_events (project_id, job_seq) WHERE job_seq IS NOT NULL;
CREATE INDEX audit_events_order ON watchkeeper.audit_events USING brin (seq) WITH (autosummarize = on);
CREATE TABLE watchkeeper.audit_events_rest PARTITION OF watchkeeper.audit_events DEFAULT;

CREATE FUNCTION watchkeeper.refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the audit trail is append-only: % on % is refused', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER audit_events_append_only BEFORE UPDATE OR DELETE ON watchkeeper.audit_events
  FOR EACH ROW EXECUTE FUNCTION watchkeeper.refuse_audit_change();
CREATE TRIGGER audit_events_never_emptied BEFORE TRUNCATE ON watchkeeper.audit_events
  FOR EACH STATEMENT EXECUTE FUNCTION watchkeeper.refuse_audit_change();

-- Readers' views -------------------------------------------------------------------------------------------------

CREATE VIEW watchkeeper.jobs AS
SELECT s.project_id, s.id, s.seq, s.kind, s.payload, s.contract, s.priority, s.unique_key, s.external_id, s.origin,
       s.deliverable_id, s.is_shadow, s.secret_suspected, s.retry_of, s.enqueued_by, s.created_at,
       CASE WHEN l.seq IS NOT NULL THEN 'running' WHEN o.seq IS NOT NULL THEN o.state
            WHEN h.seq IS NOT NULL THEN h.state ELSE 'pending' END AS state,
       coalesce(o.state_reason, h.state_reason) AS state_reason,
       o.code, o.verified, o.summary,
       coalesce(l.epoch, o.epoch, h.epoch, d.epoch, r.epoch) AS epoch,
       coalesce(l.agent_errors, h.agent_errors, d.agent_errors, r.agent_errors) AS agent_errors,
       coalesce(l.lost_leases, h.lost_leases, d.lost_leases, r.lost_leases) AS lost_leases,
       coalesce(d.run_at, r.ready_at) AS run_at,
       l.worker_id, l.phase, l.claimed_at AS started_at, l.expires_at AS lease_expires_at,
       coalesce(o.finished_at, h.held_at, l.claimed_at, r.ready_at, s.created_at) AS state_since,
       o.finished_at, h.detail AS hold_detail
  FROM watchkeeper.job_specs s
  LEFT JOIN watchkeeper.leases l ON l.project_id = s.project_id AND l.seq = s.seq
  LEFT JOIN watchkeeper.job_outcomes o ON o.project_id = s.project_id AND o.seq = s.seq
  LEFT JOIN watchkeeper.held_jobs h ON h.project_id = s.project_id AND h.seq = s.seq
  LEFT JOIN watchkeeper.scheduled_jobs d ON d.project_id = s.project_id AND d.seq = s.seq
  LEFT JOIN watchkeeper.ready_jobs r
    ON r.project_id = s.project_id AND r.kind = s.kind AND r.priority = s.priority AND r.seq = s.seq;

CREATE VIEW watchkeeper.job_attempts AS
SELECT project_id, seq, epoch, worker_id, outcome, cause, error, session_id, tokens_used, cost, started_at, ended_at
  FROM watchkeeper.closed_attempts
UNION ALL
SELECT project_id, seq, epoch, worker_id, 'running', NULL, NULL, NULL, NULL, NULL, claimed_at, NULL
  FROM watchkeeper.leases;

CREATE VIEW watchkeeper.job_leases AS
SELECT l.project_id, s.id AS job_id, l.kind, l.epoch, l.worker_id, l.profile, l.claimed_at,
       l.expires_at AS lease_expires_at, l.renewed_at AS last_heartbeat_at,
       CASE WHEN watchkeeper.now() > l.expires_at + interval '60 seconds' THEN 'stale'
            WHEN watchkeeper.now() > l.expires_at THEN 'expired'
            WHEN l.expires_at - watchkeeper.now()
                 < least(interval '3 minutes', make_interval(secs => l.lease_seconds / 3.0)) THEN 'near_expiry'
            ELSE 'normal' END AS risk_level
  FROM watchkeeper.leases l
  JOIN watchkeeper.job_specs s ON s.project_id = l.project_id AND s.seq = l.seq;
