-- What retention needs to find old rows without reading young ones, and to see what still names a job.
--
-- Deleting by batch leaves room that only a vacuum frees for the next rows: on tables that turn over it runs at 5 %.

CREATE INDEX IF NOT EXISTS worker_heartbeats_age ON watchkeeper.worker_heartbeats (created_at);
CREATE INDEX IF NOT EXISTS worker_runs_age ON watchkeeper.worker_runs (started_at);
CREATE INDEX IF NOT EXISTS helper_events_age ON watchkeeper.helper_events (created_at);
CREATE INDEX IF NOT EXISTS agent_sessions_age ON watchkeeper.agent_sessions (started_at);
CREATE INDEX IF NOT EXISTS signals_age ON watchkeeper.signals (received_at);
CREATE INDEX IF NOT EXISTS alerts_age ON watchkeeper.alerts (coalesce(sent_at, dropped_at));

-- A block range whose old rows went takes new ones, and then spans all times: with deletions BRIN finds everything.
DROP INDEX IF EXISTS watchkeeper.session_events_age;
CREATE INDEX session_events_age ON watchkeeper.session_events (created_at);

CREATE INDEX IF NOT EXISTS job_specs_retries ON watchkeeper.job_specs (project_id, retry_of) WHERE retry_of IS NOT NULL;
CREATE INDEX IF NOT EXISTS reconcile_items_undecided_job ON watchkeeper.reconcile_items (project_id, seq)
  WHERE decided_at IS NULL;
CREATE INDEX IF NOT EXISTS proposals_undecided_job ON watchkeeper.proposals (project_id, job_id)
  WHERE decided_at IS NULL AND job_id IS NOT NULL;

ALTER TABLE watchkeeper.worker_heartbeats SET (autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE watchkeeper.worker_runs SET (autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE watchkeeper.helper_events SET (autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE watchkeeper.session_events SET (autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE watchkeeper.job_specs SET (autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE watchkeeper.job_outcomes SET (autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE watchkeeper.closed_attempts SET (autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE watchkeeper.artifacts SET (autovacuum_vacuum_scale_factor = 0.05);
