-- Identity: whose a principal is, which token a login came from, what a rotated token replaced.
--
-- A project's principals are named 'project/name', so that no name of one tenant meets that of another, and no audit
-- row of a project reads like one of the installation's own people. Older processes go on making unscoped ones.

ALTER TABLE watchkeeper.principals ADD COLUMN IF NOT EXISTS project_id text;
UPDATE watchkeeper.principals p SET project_id = sole.project_id, name = sole.project_id || '/' || p.name
  FROM (SELECT principal_id, min(project_id) AS project_id FROM watchkeeper.tokens GROUP BY principal_id
        HAVING count(*) = count(project_id) AND min(project_id) = max(project_id)) sole
 WHERE p.id = sole.principal_id AND p.project_id IS NULL
   AND NOT EXISTS (SELECT FROM watchkeeper.principals o WHERE o.name = sole.project_id || '/' || p.name);

ALTER TABLE watchkeeper.tokens ADD COLUMN IF NOT EXISTS replaces uuid;
CREATE INDEX IF NOT EXISTS tokens_of_people ON watchkeeper.tokens (id) WHERE job_seq IS NULL;

ALTER TABLE watchkeeper.login_codes ADD COLUMN IF NOT EXISTS token_id uuid;
ALTER TABLE watchkeeper.console_sessions ADD COLUMN IF NOT EXISTS token_id uuid;
