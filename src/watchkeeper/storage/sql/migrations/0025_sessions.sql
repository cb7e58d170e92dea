-- What supervisors tell of agent sessions: which one of its attempt a session is, how it stands, what is thought of it,
-- what was left of it; and its events, each kept once by the number that its sender gave it.
--
-- A session is one conversation of one attempt. Those that an agent tells of itself, with its job token, are counted apart
-- from those of its supervisor: nobody speaks for the other.

ALTER TABLE watchkeeper.agent_sessions
  ADD COLUMN IF NOT EXISTS number         integer NOT NULL DEFAULT 1,
  ADD COLUMN IF NOT EXISTS told_by        text NOT NULL DEFAULT 'supervisor' CHECK (told_by IN ('supervisor', 'agent')),
  ADD COLUMN IF NOT EXISTS state          text,
  ADD COLUMN IF NOT EXISTS last_event     text,
  ADD COLUMN IF NOT EXISTS standing       jsonb,
  ADD COLUMN IF NOT EXISTS diagnosis      jsonb,
  ADD COLUMN IF NOT EXISTS diagnosed_at   timestamptz,
  ADD COLUMN IF NOT EXISTS turns          integer NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS restarts       integer NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS unknown_kinds  jsonb,
  ADD COLUMN IF NOT EXISTS left_processes jsonb,
  ADD COLUMN IF NOT EXISTS swept_at       timestamptz,
  ADD COLUMN IF NOT EXISTS interrupted_at timestamptz,
  ADD COLUMN IF NOT EXISTS heard_at       timestamptz NOT NULL DEFAULT watchkeeper.now(),
  ADD COLUMN IF NOT EXISTS events_kept    bigint NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS events_dropped bigint NOT NULL DEFAULT 0;
CREATE UNIQUE INDEX IF NOT EXISTS agent_sessions_of_attempt
  ON watchkeeper.agent_sessions (project_id, job_id, epoch, told_by, number) WHERE job_id IS NOT NULL;

ALTER TABLE watchkeeper.session_events
  ADD COLUMN IF NOT EXISTS number bigint,
  ADD COLUMN IF NOT EXISTS t      double precision;
CREATE UNIQUE INDEX IF NOT EXISTS session_events_number ON watchkeeper.session_events (project_id, session_id, number);
DROP INDEX IF EXISTS watchkeeper.session_events_order;

-- A session is looked at when something of it changes that a rule asks for; silence is found by looking at live ones.
CREATE OR REPLACE TRIGGER told_watchdog AFTER INSERT ON watchkeeper.agent_sessions FOR EACH ROW
  WHEN (NEW.diagnosis->>'failure' IS NOT NULL OR jsonb_array_length(NEW.left_processes) > 0)
  EXECUTE FUNCTION watchkeeper.tell_watchdog('session');
CREATE OR REPLACE TRIGGER told_watchdog_of_change AFTER UPDATE ON watchkeeper.agent_sessions FOR EACH ROW
  WHEN (OLD.diagnosis->>'failure' IS DISTINCT FROM NEW.diagnosis->>'failure'
        OR OLD.left_processes IS DISTINCT FROM NEW.left_processes
        OR OLD.tokens_used IS DISTINCT FROM NEW.tokens_used OR OLD.cost IS DISTINCT FROM NEW.cost)
  EXECUTE FUNCTION watchkeeper.tell_watchdog('session');
