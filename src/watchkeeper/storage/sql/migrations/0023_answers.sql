-- What the steps of a heartbeat answered, so that the checks of a config document are judged by it, and not by the word of
-- whoever tells of them. `doctor_answer` goes with `doctor_ok`: both are the last that was heard.
ALTER TABLE watchkeeper.worker_heartbeats ADD COLUMN IF NOT EXISTS answers jsonb;
ALTER TABLE watchkeeper.workers ADD COLUMN IF NOT EXISTS doctor_answer jsonb;

CREATE OR REPLACE TRIGGER told_watchdog_of_answer AFTER UPDATE OF doctor_answer ON watchkeeper.workers FOR EACH ROW
  WHEN (NEW.doctor_answer IS NOT NULL AND OLD.doctor_answer IS DISTINCT FROM NEW.doctor_answer)
  EXECUTE FUNCTION watchkeeper.tell_watchdog('round');
CREATE OR REPLACE TRIGGER told_watchdog_of_check AFTER INSERT ON watchkeeper.helper_events FOR EACH ROW
  WHEN (NEW.command IN ('doctor', 'touch') AND NEW.exit_code = 0 AND NEW.error_code IS NULL
        AND NEW.output LIKE '%{%' AND (NEW.reported_at IS NULL OR coalesce(cardinality(NEW.redacted), 0) = 0))
  EXECUTE FUNCTION watchkeeper.tell_watchdog('command');
CREATE OR REPLACE TRIGGER told_watchdog_of_check AFTER INSERT ON watchkeeper.worker_runs FOR EACH ROW
  WHEN (NEW.phase IN ('doctor', 'touch') AND jsonb_typeof(NEW.payload) = 'object'
        AND coalesce(cardinality(NEW.redacted), 0) = 0)
  EXECUTE FUNCTION watchkeeper.tell_watchdog('run');
