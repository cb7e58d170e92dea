-- Repairs: whom a plan is about, who asked and who may not approve, when it was tried, how it was undone; the breakers.
--
-- The rows that stood here before are reapings: they have no plan, and none of this.

ALTER TABLE watchkeeper.repair_actions
  ADD COLUMN IF NOT EXISTS worker_id        text,
  ADD COLUMN IF NOT EXISTS kind             text,
  ADD COLUMN IF NOT EXISTS pool             text,
  ADD COLUMN IF NOT EXISTS note             text,
  ADD COLUMN IF NOT EXISTS asked_by_id      uuid,
  ADD COLUMN IF NOT EXISTS asker_minted_by  uuid,
  ADD COLUMN IF NOT EXISTS attempted_at     timestamptz,
  ADD COLUMN IF NOT EXISTS due_at           timestamptz,
  ADD COLUMN IF NOT EXISTS undone_by        text,
  ADD COLUMN IF NOT EXISTS undone_at        timestamptz,
  ADD COLUMN IF NOT EXISTS undo_reason      text,
  ADD COLUMN IF NOT EXISTS undo_state       jsonb;
CREATE INDEX IF NOT EXISTS repair_actions_attempts ON watchkeeper.repair_actions (project_id, trigger, attempted_at)
  WHERE attempted_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS repair_actions_worker ON watchkeeper.repair_actions (project_id, worker_id, id)
  WHERE worker_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS repair_actions_executing ON watchkeeper.repair_actions (project_id, id)
  WHERE state = 'executing';

ALTER TABLE watchkeeper.approvals
  ADD COLUMN IF NOT EXISTS actor_id     uuid,
  ADD COLUMN IF NOT EXISTS withdrawn_at timestamptz;

-- The repair whose own effect an incident is: no repair follows from it.
ALTER TABLE watchkeeper.watchdog_incidents ADD COLUMN IF NOT EXISTS caused_by_repair uuid;

-- How often a rule may act on a pool. A row is a breaker that tripped once; it is tripped until a person resets it.
CREATE TABLE IF NOT EXISTS watchkeeper.repair_breakers (
  project_id   text NOT NULL,
  rule         text NOT NULL,
  pool         text NOT NULL,
  tripped_at   timestamptz,
  attempts     integer NOT NULL DEFAULT 0,
  reset_at     timestamptz,
  reset_by     text,
  reset_reason text,
  PRIMARY KEY (project_id, rule, pool)
);
