-- What came of each attempt to send an alert: `at`, `outcome` (sent, failed) and, of a failure, `error`, in order of time.
ALTER TABLE watchkeeper.alerts ADD COLUMN IF NOT EXISTS tries jsonb NOT NULL DEFAULT '[]';
