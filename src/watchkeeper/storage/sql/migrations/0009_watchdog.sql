-- What the watchdogs of all machines know of each other, and since when queues wait that could move.

-- The row is the watch itself: who has it locked judges, the others rest. quiet_since is the end of the last gap in the
-- ticks, unwatched_from its begin; a lease is not judged before a whole period of its own has passed since. While
-- blind_since is set nothing is judged at all.
CREATE TABLE IF NOT EXISTS watchkeeper.watchdog_state (
  only_row        boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  last_tick_at    timestamptz,
  swept_at        timestamptz,
  quiet_since     timestamptz NOT NULL DEFAULT 'epoch',
  unwatched_from  timestamptz NOT NULL DEFAULT 'epoch',
  server_started  timestamptz,
  server_timeline text,
  blind_since     timestamptz,
  good_ticks      integer NOT NULL DEFAULT 0
) WITH (fillfactor = 40);
INSERT INTO watchkeeper.watchdog_state DEFAULT VALUES ON CONFLICT DO NOTHING;

-- Kinds whose next job waits though nothing that is right holds it up: 'movable' where somebody is free to take it,
-- 'unserved' where nobody is there who could. A row goes when the job is taken or its wait has a reason.
CREATE TABLE IF NOT EXISTS watchkeeper.watchdog_queues (
  project_id text NOT NULL,
  kind       text NOT NULL,
  wait       text NOT NULL CHECK (wait IN ('movable', 'unserved')),
  head_seq   bigint NOT NULL,
  since      timestamptz NOT NULL,
  PRIMARY KEY (project_id, kind)
);

CREATE INDEX IF NOT EXISTS workers_gone ON watchkeeper.workers (gone_at);

-- Rows that a rule must look at once, whichever program wrote them: the triggers below note them in the transaction that
-- writes them, and the watchdog takes them out with the incidents that came of them. docs/adr/0011 says why.
CREATE TABLE IF NOT EXISTS watchkeeper.watchdog_inbox (
  number      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  project_id  text NOT NULL,
  family      text NOT NULL,
  ref_id      uuid,
  seq         bigint,
  epoch       integer,
  worker_id   text,
  received_at timestamptz NOT NULL DEFAULT watchkeeper.now()
) WITH (autovacuum_vacuum_scale_factor = 0.01);

CREATE OR REPLACE FUNCTION watchkeeper.tell_watchdog() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO watchkeeper.watchdog_inbox (project_id, family, ref_id, seq, epoch, worker_id)
  SELECT NEW.project_id, TG_ARGV[0], (r->>'id')::uuid, (r->>'seq')::bigint, (r->>'epoch')::integer, r->>'worker_id'
    FROM to_jsonb(NEW) r;
  RETURN NULL;
END
$$;

-- What the redactor took out of a text; not a lease token, which an answer must carry and we take out ourselves.
CREATE OR REPLACE FUNCTION watchkeeper.redacted_kinds(text) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
  SELECT array_agg(DISTINCT found[1])
    FROM regexp_matches($1, '\[redacted:([a-z0-9_-]+)\]', 'g') AS found
   WHERE found[1] NOT IN ('lease_token', 'too_deep')
$$;

CREATE OR REPLACE TRIGGER told_watchdog AFTER INSERT ON watchkeeper.helper_events FOR EACH ROW
  WHEN (NEW.exit_code <> 0 OR NEW.error_code IS NOT NULL OR NEW.output LIKE '%[redacted:%')
  EXECUTE FUNCTION watchkeeper.tell_watchdog('command');
CREATE OR REPLACE TRIGGER told_watchdog AFTER INSERT ON watchkeeper.artifact_checks FOR EACH ROW
  WHEN (NOT NEW.passed) EXECUTE FUNCTION watchkeeper.tell_watchdog('check');
-- A first failure is none that repeats.
CREATE OR REPLACE TRIGGER told_watchdog AFTER INSERT ON watchkeeper.closed_attempts FOR EACH ROW
  WHEN (NEW.epoch > 1 AND NEW.cause IN ('agent_error', 'infrastructure', 'lease_lost', 'gate'))
  EXECUTE FUNCTION watchkeeper.tell_watchdog('attempt');
CREATE OR REPLACE TRIGGER told_watchdog AFTER INSERT ON watchkeeper.worker_runs FOR EACH ROW
  WHEN ((NEW.phase = 'complete' AND NEW.status = 'ok') OR NEW.message LIKE '%[redacted:%'
        OR NEW.payload::text LIKE '%[redacted:%')
  EXECUTE FUNCTION watchkeeper.tell_watchdog('run');
CREATE OR REPLACE TRIGGER told_watchdog AFTER INSERT ON watchkeeper.worker_heartbeats FOR EACH ROW
  EXECUTE FUNCTION watchkeeper.tell_watchdog('round');
CREATE OR REPLACE TRIGGER told_watchdog_of_claim AFTER UPDATE OF claim_ok ON watchkeeper.worker_heartbeats FOR EACH ROW
  WHEN (OLD.claim_ok IS DISTINCT FROM NEW.claim_ok OR OLD.current_job_id IS DISTINCT FROM NEW.current_job_id)
  EXECUTE FUNCTION watchkeeper.tell_watchdog('round');
CREATE OR REPLACE TRIGGER told_watchdog AFTER UPDATE OF doctor_ok ON watchkeeper.workers FOR EACH ROW
  WHEN (NEW.doctor_ok IS FALSE AND OLD.doctor_ok IS DISTINCT FROM NEW.doctor_ok)
  EXECUTE FUNCTION watchkeeper.tell_watchdog('round');
CREATE OR REPLACE TRIGGER told_watchdog AFTER UPDATE OF lost_at ON watchkeeper.artifacts FOR EACH ROW
  WHEN (NEW.lost_at IS NOT NULL AND OLD.lost_at IS NULL) EXECUTE FUNCTION watchkeeper.tell_watchdog('artifact');

CREATE INDEX IF NOT EXISTS proposals_incident ON watchkeeper.proposals (project_id, incident_id) WHERE incident_id IS NOT NULL;
