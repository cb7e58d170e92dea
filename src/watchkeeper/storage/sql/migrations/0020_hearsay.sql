-- What a worker reports of others is kept as hearsay, on which nobody acts without a person; repairs are found by when they ended;
-- and a request that changes nothing itself keeps no job from a repair.

ALTER TABLE watchkeeper.watchdog_incidents ADD COLUMN IF NOT EXISTS is_hearsay boolean NOT NULL DEFAULT false;

CREATE INDEX IF NOT EXISTS repair_actions_ended ON watchkeeper.repair_actions (project_id, coalesce(undone_at, ended_at))
  WHERE plan IS NOT NULL AND state IN ('succeeded', 'rolled_back');

DROP INDEX IF EXISTS watchkeeper.repair_actions_one_at_a_time;
CREATE UNIQUE INDEX repair_actions_one_at_a_time ON watchkeeper.repair_actions (project_id, job_id)
  WHERE state = 'executing' AND job_id IS NOT NULL
    AND action NOT IN ('retouch', 'ask_renewal', 'retry_command', 'publish_artifact', 'repair_contract', 'interrupt_session',
                       'sweep_session', 'freeze_verdicts', 'alert', 'propose');
