-- One day of traffic: $1 jobs of project $2 that were done, with all that is written beside a job.
WITH text AS MATERIALIZED (
  SELECT string_agg(md5(random()::text), '') AS long FROM generate_series(1, 30)
), specs AS (
  INSERT INTO watchkeeper.job_specs (project_id, kind, payload, enqueued_by)
  SELECT $2, 'report', jsonb_build_object('text', left(long, 300)), 'bench' FROM text, generate_series(1, $1::bigint)
  RETURNING seq, id
), outcomes AS (
  INSERT INTO watchkeeper.job_outcomes (project_id, seq, state, verified, summary, epoch)
  SELECT $2, seq, 'completed', 'artifact', left(long, 100), 1 FROM specs, text
), attempts AS (
  INSERT INTO watchkeeper.closed_attempts (project_id, seq, epoch, worker_id, outcome, token_hash, started_at)
  SELECT $2, seq, 1, 'w', 'completed', sha256(seq::text::bytea), watchkeeper.now() FROM specs
), files AS (
  INSERT INTO watchkeeper.artifacts (project_id, seq, epoch, kind, name, url, sha256, bytes, is_primary)
  SELECT $2, seq, 1, 'html_page', 'index.html', 'artifact:' || id,
         CASE WHEN row_number() OVER (ORDER BY seq) <= cardinality($3::text[])
              THEN ($3::text[])[row_number() OVER (ORDER BY seq)] ELSE encode(sha256(id::text::bytea), 'hex') END,
         1000, true
    FROM specs
), checks AS (
  INSERT INTO watchkeeper.artifact_checks (project_id, job_id, seq, epoch, command, passed, output_hash)
  SELECT $2, id, seq, 1, 'complete', true, md5(id::text) FROM specs
), beats AS (
  INSERT INTO watchkeeper.worker_heartbeats (project_id, worker_id, status, current_job_id)
  SELECT $2, 'w', 'ok', id FROM specs
), runs AS (
  INSERT INTO watchkeeper.worker_runs (project_id, worker_id, job_id, epoch, phase, status, message)
  SELECT $2, 'w', id, 1, 'building_artifact', 'ok', left(long, 100) FROM specs, text, generate_series(1, 4)
), outputs AS (
  INSERT INTO watchkeeper.helper_events (project_id, worker_id, job_id, command, exit_code, output)
  SELECT $2, 'w', id, 'progress', 0, long FROM specs, text, generate_series(1, 6)
), sessions AS (
  INSERT INTO watchkeeper.agent_sessions (project_id, job_id, epoch, worker_id, agent, ended_at)
  SELECT $2, id, 1, 'w', 'command', watchkeeper.now() FROM specs RETURNING id
), events AS (
  INSERT INTO watchkeeper.session_events (project_id, session_id, source, event, fields)
  SELECT $2, sessions.id, 'stdout', 'item', jsonb_build_object('text', left(long, 200))
    FROM sessions, text, generate_series(1, 20)
), keys AS (
  INSERT INTO watchkeeper.idempotency_records (project_id, principal_id, route, key, request_hash, status, answer)
  SELECT $2, id, 'POST /api/jobs', id::text, sha256(id::text::bytea), 200, '{}' FROM specs
), told AS (
  INSERT INTO watchkeeper.alerts (project_id, dedup_key, severity, channel, recipient, body, sent_at)
  SELECT $2, id::text, 'low', 'console', 'owner', left(long, 200), watchkeeper.now() FROM specs, text WHERE seq % 10 = 0
), heard AS (
  INSERT INTO watchkeeper.signals (project_id, source, topic_key, text, job_id)
  SELECT $2, 'chat', 'topic', left(long, 200), id FROM specs, text WHERE seq % 5 = 0
), late AS (
  INSERT INTO watchkeeper.reconcile_items (project_id, job_id, seq, command, body, reason, decided_by, decided_at)
  SELECT $2, id, seq, 'complete', '{}', 'stale_lease', 'owner', watchkeeper.now() FROM specs WHERE seq % 50 = 0
), found AS (
  INSERT INTO watchkeeper.watchdog_incidents (project_id, rule, fingerprint, severity, job_id, state, resolved_at)
  SELECT $2, 'lease_expired', id::text, 'high', id, 'resolved', watchkeeper.now() FROM specs WHERE seq % 20 = 0
), agent AS (
  INSERT INTO watchkeeper.principals (name, kind) VALUES ('bench', 'service')
  ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING id
), tokens AS (
  INSERT INTO watchkeeper.tokens (principal_id, role, project_id, secret_hash, job_seq, job_epoch)
  SELECT agent.id, 'worker', $2, sha256(specs.id::text::bytea), seq, 1 FROM specs, agent
), workers AS (
  INSERT INTO watchkeeper.workers (project_id, worker_id, profile, gone_at)
  SELECT $2, id::text, 'session', watchkeeper.now() FROM specs WHERE seq % 20 = 0
)
INSERT INTO watchkeeper.audit_events (project_id, event, actor, job_seq, epoch, data)
SELECT $2, event, 'worker:w', seq, 1, jsonb_build_object('kind', 'report')
  FROM specs, unnest(ARRAY['jobs_enqueued', 'job_claimed', 'complete_succeeded']) AS event
