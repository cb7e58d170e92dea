-- What the watchdog's looks at agent sessions need: those of which nobody tells, and troubles that change.

CREATE INDEX IF NOT EXISTS agent_sessions_unheard ON watchkeeper.agent_sessions (heard_at) WHERE ended_at IS NULL;

-- A trouble that was only observed becomes one that is acted on: the same class, another action.
CREATE OR REPLACE TRIGGER told_watchdog_of_change AFTER UPDATE ON watchkeeper.agent_sessions FOR EACH ROW
  WHEN (OLD.diagnosis->>'failure' IS DISTINCT FROM NEW.diagnosis->>'failure'
        OR OLD.diagnosis->>'action' IS DISTINCT FROM NEW.diagnosis->>'action'
        OR OLD.left_processes IS DISTINCT FROM NEW.left_processes
        OR OLD.tokens_used IS DISTINCT FROM NEW.tokens_used OR OLD.cost IS DISTINCT FROM NEW.cost)
  EXECUTE FUNCTION watchkeeper.tell_watchdog('session');
