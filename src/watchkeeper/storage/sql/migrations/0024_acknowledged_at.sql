-- When somebody first took care of an incident: whoever was called answered in time, or did not.
ALTER TABLE watchkeeper.watchdog_incidents ADD COLUMN IF NOT EXISTS acknowledged_at timestamptz;
