-- The gate on foreign addresses: the way by which the primary artifact was reached.
ALTER TABLE watchkeeper.artifact_checks ADD COLUMN IF NOT EXISTS redirects jsonb NOT NULL DEFAULT '[]';
