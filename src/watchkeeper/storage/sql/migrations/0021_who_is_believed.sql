-- Which secrets stood in a text is told by whoever takes them out: a mark in what is kept may be the quote of one.

ALTER TABLE watchkeeper.helper_events ADD COLUMN IF NOT EXISTS redacted text[];
ALTER TABLE watchkeeper.worker_runs ADD COLUMN IF NOT EXISTS redacted text[];
ALTER TABLE watchkeeper.closed_attempts ADD COLUMN IF NOT EXISTS redacted text[];

-- Of its own commands' secrets the server tells at once, in the transaction that keeps them.
CREATE OR REPLACE TRIGGER told_watchdog AFTER INSERT ON watchkeeper.helper_events FOR EACH ROW
  WHEN (NEW.exit_code <> 0 OR NEW.error_code IS NOT NULL OR (cardinality(NEW.redacted) > 0 AND NEW.reported_at IS NOT NULL))
  EXECUTE FUNCTION watchkeeper.tell_watchdog('command');
CREATE OR REPLACE TRIGGER told_watchdog AFTER INSERT ON watchkeeper.worker_runs FOR EACH ROW
  WHEN ((NEW.phase = 'complete' AND NEW.status = 'ok') OR cardinality(NEW.redacted) > 0)
  EXECUTE FUNCTION watchkeeper.tell_watchdog('run');
CREATE OR REPLACE TRIGGER told_watchdog_of_words AFTER INSERT ON watchkeeper.closed_attempts FOR EACH ROW
  WHEN (cardinality(NEW.redacted) > 0) EXECUTE FUNCTION watchkeeper.tell_watchdog('ending');
DROP TRIGGER IF EXISTS told_watchdog_of_words ON watchkeeper.job_outcomes;
