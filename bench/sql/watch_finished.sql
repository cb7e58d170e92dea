-- Finished jobs $1 to $2 of a project: spec, outcome, attempt, a passed check and three phases of each.
WITH numbers AS (SELECT n FROM generate_series($1::bigint, $2::bigint) n),
specs AS (
  INSERT INTO watchkeeper.job_specs (project_id, seq, kind) SELECT 'watched', n, 'k' || n % 5 FROM numbers RETURNING id, seq
), outcomes AS (
  INSERT INTO watchkeeper.job_outcomes (project_id, seq, state, verified, epoch)
  SELECT 'watched', n, 'completed', 'artifact', 1 FROM numbers
), attempts AS (
  INSERT INTO watchkeeper.closed_attempts (project_id, seq, epoch, worker_id, outcome, token_hash, started_at)
  SELECT 'watched', n, 1, 'w' || n % 50, 'completed', '', now() FROM numbers
), checks AS (
  INSERT INTO watchkeeper.artifact_checks (project_id, job_id, seq, epoch, command, passed, output_hash)
  SELECT 'watched', id, seq, 1, 'complete', true, '' FROM specs
)
INSERT INTO watchkeeper.worker_runs (project_id, worker_id, job_id, epoch, phase, status)
SELECT 'watched', 'w' || seq % 50, id, 1, phase, 'ok' FROM specs, unnest(ARRAY['context', 'build', 'upload']) AS phase
