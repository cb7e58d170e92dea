-- What drawings ask for: the heartbeats that name a job, and when the watchdog was blind.

CREATE INDEX IF NOT EXISTS worker_heartbeats_job ON watchkeeper.worker_heartbeats (project_id, current_job_id, id)
  WHERE current_job_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS watchdog_incidents_blind ON watchkeeper.watchdog_incidents (project_id, opened_at)
  WHERE rule = 'watchdog_blind';
