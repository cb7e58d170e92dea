-- What is recorded from outside: jobs of a foreign queue, the leases that are reported of them, that queue's counters.
--
-- A mirrored job is a row of job_specs whose origin is not 'own'. Until it ends it stands in mirrored_jobs and nowhere
-- else: no claim, promotion, reaping or resuming reads that table, so that no worker here can ever be given the job.
-- Once it ends it stands in job_outcomes like any other. docs/adr/0010 says why.

CREATE TABLE watchkeeper.mirrored_jobs (
  project_id   text NOT NULL,
  seq          bigint NOT NULL,
  job_id       uuid NOT NULL,
  origin       text NOT NULL CHECK (origin <> 'own'),
  external_id  text NOT NULL,
  kind         text NOT NULL,
  state        text NOT NULL CHECK (state IN ('pending', 'running', 'stuck', 'paused')),
  state_reason text,
  detail       jsonb,
  held_by      text,
  epoch        integer NOT NULL DEFAULT 0 CHECK (epoch >= 0),
  state_since  timestamptz NOT NULL DEFAULT watchkeeper.now(),
  PRIMARY KEY (project_id, seq),
  CHECK ((state IN ('stuck', 'paused')) = (state_reason IS NOT NULL))
);
CREATE INDEX mirrored_jobs_kind ON watchkeeper.mirrored_jobs (project_id, kind, state);

-- One attempt at a mirrored job: the lease as it was reported, and what the attempt said. lease_expires_at and
-- last_heartbeat_at are the foreign queue's words; received_at is when this database last heard of the attempt, by its
-- own clock. lease_seconds is how long the lease still had when this expiry was first heard of. It lives while ended_at
-- is NULL; a job has one live one at most.
CREATE TABLE watchkeeper.foreign_leases (
  project_id           text NOT NULL,
  seq                  bigint NOT NULL,
  epoch                integer NOT NULL CHECK (epoch >= 1),
  job_id               uuid NOT NULL,
  origin               text NOT NULL,
  external_id          text NOT NULL,
  kind                 text NOT NULL,
  worker_id            text NOT NULL,
  attempt_id           text,
  phase                text,
  claimed_at           timestamptz NOT NULL DEFAULT watchkeeper.now(),
  lease_expires_at     timestamptz,
  lease_seconds        double precision,
  last_heartbeat_at    timestamptz,
  progress_at          timestamptz,
  primary_artifact_ref text,
  complete_status      text,
  error_code           text,
  error_message        text,
  received_at          timestamptz NOT NULL DEFAULT watchkeeper.now(),
  ended_at             timestamptz,
  outcome              text CHECK (outcome IN ('completed', 'failed', 'cancelled', 'released', 'lost')),
  cause                text CHECK (cause IN ('agent_error', 'infrastructure', 'lease_lost', 'quota', 'gate', 'operator')),
  PRIMARY KEY (project_id, seq, epoch),
  CHECK ((ended_at IS NULL) = (outcome IS NULL))
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX foreign_leases_live ON watchkeeper.foreign_leases (project_id, seq) WHERE ended_at IS NULL;
CREATE INDEX foreign_leases_worker ON watchkeeper.foreign_leases (project_id, worker_id) WHERE ended_at IS NULL;

-- The counters of a foreign queue, as they were last reported. moved_at is when a claim was last seen in them, or in a
-- mirrored job of the kind; ready_since is since when jobs have waited without a break; all by this database's clock.
CREATE TABLE watchkeeper.foreign_queues (
  project_id         text NOT NULL,
  origin             text NOT NULL CHECK (origin <> 'own'),
  kind               text NOT NULL,
  ready              integer NOT NULL CHECK (ready >= 0),
  scheduled          integer NOT NULL DEFAULT 0 CHECK (scheduled >= 0),
  running            integer NOT NULL DEFAULT 0 CHECK (running >= 0),
  stuck              integer NOT NULL DEFAULT 0 CHECK (stuck >= 0),
  paused             integer NOT NULL DEFAULT 0 CHECK (paused >= 0),
  oldest_ready_age_s double precision CHECK (oldest_ready_age_s >= 0),
  eligible_workers   integer CHECK (eligible_workers >= 0),
  claimed_total      bigint,
  is_paused          boolean NOT NULL DEFAULT false,
  ready_since        timestamptz,
  moved_at           timestamptz,
  reported_by        text NOT NULL,
  reported_at        timestamptz,
  received_at        timestamptz NOT NULL DEFAULT watchkeeper.now(),
  PRIMARY KEY (project_id, origin, kind),
  CHECK ((ready > 0) = (ready_since IS NOT NULL))
);

-- A worker of a foreign queue has a row here so that it has health and can be stopped; its kinds are '{}', which makes
-- it eligible for nothing of the own queue.
ALTER TABLE watchkeeper.workers ADD COLUMN origin text NOT NULL DEFAULT 'own';

-- When the sender says that it was, by a clock that nobody here trusts; NULL for what happened here. The times beside it
-- are this database's.
ALTER TABLE watchkeeper.worker_heartbeats ADD COLUMN reported_at timestamptz;
ALTER TABLE watchkeeper.worker_runs ADD COLUMN reported_at timestamptz;
ALTER TABLE watchkeeper.helper_events ADD COLUMN reported_at timestamptz;
ALTER TABLE watchkeeper.artifact_checks ADD COLUMN reported_at timestamptz;

CREATE INDEX worker_heartbeats_worker ON watchkeeper.worker_heartbeats (project_id, worker_id, id);
CREATE INDEX worker_runs_worker ON watchkeeper.worker_runs (project_id, worker_id, id);

-- The last word of a worker on a command.
CREATE INDEX helper_events_worker ON watchkeeper.helper_events (project_id, worker_id, command, id)
  WHERE worker_id IS NOT NULL;

CREATE OR REPLACE VIEW watchkeeper.jobs AS
SELECT s.project_id, s.id, s.seq, s.kind, s.payload, s.contract, s.priority, s.unique_key, s.external_id, s.origin,
       s.deliverable_id, s.is_shadow, s.secret_suspected, s.retry_of, s.enqueued_by, s.created_at,
       CASE WHEN l.seq IS NOT NULL THEN 'running' WHEN o.seq IS NOT NULL THEN o.state
            WHEN h.seq IS NOT NULL THEN h.state WHEN m.seq IS NOT NULL THEN m.state ELSE 'pending' END AS state,
       coalesce(o.state_reason, h.state_reason, m.state_reason) AS state_reason,
       o.code, o.verified, o.summary,
       coalesce(l.epoch, o.epoch, h.epoch, d.epoch, r.epoch, m.epoch) AS epoch,
       coalesce(l.agent_errors, h.agent_errors, d.agent_errors, r.agent_errors) AS agent_errors,
       coalesce(l.lost_leases, h.lost_leases, d.lost_leases, r.lost_leases) AS lost_leases,
       coalesce(d.run_at, r.ready_at) AS run_at,
       coalesce(l.worker_id, f.worker_id) AS worker_id, coalesce(l.phase, f.phase) AS phase,
       coalesce(l.claimed_at, f.claimed_at) AS started_at,
       coalesce(l.expires_at, f.lease_expires_at) AS lease_expires_at,
       coalesce(o.finished_at, h.held_at, l.claimed_at, r.ready_at, m.state_since, s.created_at) AS state_since,
       o.finished_at, coalesce(h.detail, m.detail) AS hold_detail
  FROM watchkeeper.job_specs s
  LEFT JOIN watchkeeper.leases l ON l.project_id = s.project_id AND l.seq = s.seq
  LEFT JOIN watchkeeper.job_outcomes o ON o.project_id = s.project_id AND o.seq = s.seq
  LEFT JOIN watchkeeper.held_jobs h ON h.project_id = s.project_id AND h.seq = s.seq
  LEFT JOIN watchkeeper.scheduled_jobs d ON d.project_id = s.project_id AND d.seq = s.seq
  LEFT JOIN watchkeeper.ready_jobs r
    ON r.project_id = s.project_id AND r.kind = s.kind AND r.priority = s.priority AND r.seq = s.seq
  LEFT JOIN watchkeeper.mirrored_jobs m ON m.project_id = s.project_id AND m.seq = s.seq
  LEFT JOIN watchkeeper.foreign_leases f ON f.project_id = m.project_id AND f.seq = m.seq AND f.ended_at IS NULL;

CREATE OR REPLACE VIEW watchkeeper.job_attempts AS
SELECT project_id, seq, epoch, worker_id, outcome, cause, error, session_id, tokens_used, cost, started_at, ended_at
  FROM watchkeeper.closed_attempts
UNION ALL
SELECT project_id, seq, epoch, worker_id, 'running', NULL, NULL, NULL, NULL, NULL, claimed_at, NULL
  FROM watchkeeper.leases
UNION ALL
SELECT project_id, seq, epoch, worker_id, coalesce(outcome, 'running'), cause, error_message, NULL, NULL, NULL, claimed_at,
       ended_at
  FROM watchkeeper.foreign_leases;

CREATE OR REPLACE VIEW watchkeeper.job_leases AS
SELECT t.project_id, t.job_id, t.kind, t.epoch, t.worker_id, t.profile, t.claimed_at, t.lease_expires_at,
       t.last_heartbeat_at,
       CASE WHEN watchkeeper.now() > t.lease_expires_at + interval '60 seconds' THEN 'stale'
            WHEN watchkeeper.now() > t.lease_expires_at THEN 'expired'
            WHEN t.lease_expires_at - watchkeeper.now()
                 < least(interval '3 minutes', make_interval(secs => t.lease_seconds / 3.0)) THEN 'near_expiry'
            ELSE 'normal' END AS risk_level,
       t.origin, t.phase, t.received_at
  FROM (
    SELECT l.project_id, s.id AS job_id, l.kind, l.epoch, l.worker_id, l.profile, l.claimed_at,
           l.expires_at AS lease_expires_at, l.renewed_at AS last_heartbeat_at, l.lease_seconds::float8 AS lease_seconds,
           s.origin, l.phase, l.renewed_at AS received_at
      FROM watchkeeper.leases l
      JOIN watchkeeper.job_specs s ON s.project_id = l.project_id AND s.seq = l.seq
    UNION ALL
    SELECT project_id, job_id, kind, epoch, worker_id, NULL, claimed_at, lease_expires_at, last_heartbeat_at, lease_seconds,
           origin, phase, received_at
      FROM watchkeeper.foreign_leases WHERE ended_at IS NULL
  ) t;

CREATE OR REPLACE VIEW watchkeeper.worker_job_attempt AS
SELECT encode(substr(sha256(convert_to(a.project_id || '/' || s.id || '/' || a.epoch, 'UTF8')), 1, 16), 'hex')::uuid
         AS id,
       a.project_id, s.id AS job_id, a.worker_id, s.id || '/' || a.epoch AS attempt_id,
       coalesce(l.phase, run.phase) AS phase,
       (SELECT (array_agg(f.url ORDER BY f.id DESC))[1] FROM watchkeeper.artifacts f
         WHERE f.project_id = a.project_id AND f.seq = a.seq AND f.epoch = a.epoch AND f.is_primary)
         AS primary_artifact_ref,
       a.outcome AS complete_status,
       coalesce(o.code, a.cause) AS error_code,
       a.error AS error_message,
       a.started_at, a.ended_at AS completed_at
  FROM (
    SELECT project_id, seq, epoch, worker_id, outcome, cause, error, started_at, ended_at FROM watchkeeper.closed_attempts
    UNION ALL
    SELECT project_id, seq, epoch, worker_id, 'running', NULL, NULL, claimed_at, NULL FROM watchkeeper.leases
  ) a
  JOIN watchkeeper.job_specs s ON s.project_id = a.project_id AND s.seq = a.seq
  LEFT JOIN watchkeeper.leases l ON l.project_id = a.project_id AND l.seq = a.seq AND l.epoch = a.epoch
  LEFT JOIN watchkeeper.job_outcomes o ON o.project_id = a.project_id AND o.seq = a.seq AND o.epoch = a.epoch
  LEFT JOIN LATERAL (
    SELECT r.phase FROM watchkeeper.worker_runs r
     WHERE r.project_id = a.project_id AND r.job_id = s.id AND r.epoch = a.epoch
     ORDER BY r.id DESC LIMIT 1) run ON true
UNION ALL
SELECT encode(substr(sha256(convert_to(project_id || '/' || job_id || '/' || epoch, 'UTF8')), 1, 16), 'hex')::uuid,
       project_id, job_id, worker_id, coalesce(attempt_id, job_id || '/' || epoch), phase, primary_artifact_ref,
       coalesce(complete_status, outcome, 'running'), error_code, error_message, claimed_at, ended_at
  FROM watchkeeper.foreign_leases;
