-- What a worker is asked for is looked up with each of its answers.
CREATE INDEX IF NOT EXISTS repair_actions_asked ON watchkeeper.repair_actions (project_id, worker_id) WHERE state = 'executing';
