-- Secrets in what attempts end with are told to the watchdog; and the project of host, database and watchdog matters exists.

CREATE OR REPLACE TRIGGER told_watchdog_of_words AFTER INSERT ON watchkeeper.closed_attempts FOR EACH ROW
  WHEN (NEW.error LIKE '%[redacted:%') EXECUTE FUNCTION watchkeeper.tell_watchdog('ending');
CREATE OR REPLACE TRIGGER told_watchdog_of_words AFTER INSERT ON watchkeeper.job_outcomes FOR EACH ROW
  WHEN (NEW.summary LIKE '%[redacted:%') EXECUTE FUNCTION watchkeeper.tell_watchdog('ending');

-- Its incidents, alerts and proposals are reached like any project's, by owners of the whole installation alone.
INSERT INTO watchkeeper.projects (project_id, title) VALUES ('system', 'host, database and watchdog') ON CONFLICT DO NOTHING;
