-- Acts on all jobs that match a filter, carried out by the watch in bounded batches: how far each one is.
CREATE TABLE IF NOT EXISTS watchkeeper.bulk_acts (
  id          uuid NOT NULL DEFAULT watchkeeper.uuid7(),
  project_id  text NOT NULL,
  what        text NOT NULL CHECK (what IN ('cancel', 'pause', 'resume', 'requeue')),
  of_state    text NOT NULL,
  of_kind     text,
  made_before timestamptz NOT NULL,
  reason      text NOT NULL,
  actor       text NOT NULL,
  state       text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done', 'stopped')),
  looked_to   bigint NOT NULL DEFAULT 0,
  up_to       bigint NOT NULL,
  done        bigint NOT NULL DEFAULT 0,
  skipped     bigint NOT NULL DEFAULT 0,
  stopped_by  text,
  created_at  timestamptz NOT NULL DEFAULT watchkeeper.now(),
  moved_at    timestamptz NOT NULL DEFAULT watchkeeper.now(),
  ended_at    timestamptz,
  PRIMARY KEY (project_id, id),
  CHECK ((ended_at IS NULL) = (state = 'running'))
);
CREATE INDEX IF NOT EXISTS bulk_acts_running ON watchkeeper.bulk_acts (moved_at) WHERE state = 'running';
