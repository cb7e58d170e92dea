-- name: try_restore_lock
-- Held by the session that restores, until it ends.
SELECT pg_try_advisory_lock(hashtextextended('watchkeeper.restore', 0)) AS taken

-- name: whats_there
-- What a restore would meet: nothing, an empty schema, a restore that was broken off, or somebody's data.
SELECT to_regnamespace('watchkeeper_restore') IS NOT NULL AS unfinished,
       (SELECT count(*) FROM pg_class c WHERE c.relnamespace = to_regnamespace('watchkeeper')) AS objects,
       current_setting('server_version_num')::int / 10000 AS major

-- name: create_restore_mark
-- Whoever finds this schema knows that a restore has not come to its end.
CREATE SCHEMA IF NOT EXISTS watchkeeper_restore

-- name: drop_restore_mark
-- The restore has come to its end.
DROP SCHEMA watchkeeper_restore CASCADE

-- name: end_left_loader
-- Ends the program that a killed restore had started: it would go on loading.
SELECT count(pg_terminate_backend(pid, 10000)) AS ended FROM pg_stat_activity
 WHERE datname = current_database() AND application_name = %(application)s AND pid <> pg_backend_pid()

-- name: drop_unfinished
-- Clears away what a restore that was broken off has left.
DROP SCHEMA IF EXISTS watchkeeper CASCADE

-- name: forget_what_passed
-- Ends what was true only of the moment of the backup: logins, keys of requests under way, parked pools, approvals not used.
WITH codes AS (DELETE FROM watchkeeper.login_codes RETURNING 1),
     sessions AS (DELETE FROM watchkeeper.console_sessions RETURNING 1),
     requests AS (DELETE FROM watchkeeper.idempotency_records WHERE status IS NULL RETURNING 1),
     parks AS (DELETE FROM watchkeeper.pool_parks RETURNING 1),
     sleeping AS (DELETE FROM watchkeeper.sleepers RETURNING 1),
     approved AS (UPDATE watchkeeper.approvals SET expires_at = least(expires_at, watchkeeper.now())
                   WHERE decision = 'approved' AND used_at IS NULL RETURNING 1),
     acting AS (UPDATE watchkeeper.repair_actions SET state = 'needs_human', result = 'needs_human',
                       ended_at = watchkeeper.now()
                 WHERE state = 'executing' RETURNING 1)
SELECT (SELECT count(*) FROM codes) + (SELECT count(*) FROM sessions) AS logins, (SELECT count(*) FROM requests) AS requests,
       (SELECT count(*) FROM parks) AS parks, (SELECT count(*) FROM sleeping) AS sleepers,
       (SELECT count(*) FROM approved) AS approvals, (SELECT count(*) FROM acting) AS repairs

-- name: revoke_job_tokens
-- Ends the tokens of attempts, one audit row for each.
WITH ended AS (
  UPDATE watchkeeper.tokens SET revoked_at = watchkeeper.now()
   WHERE job_seq IS NOT NULL AND revoked_at IS NULL
  RETURNING id, project_id, role, job_seq, job_epoch
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, job_seq, epoch, reason, data)
  SELECT coalesce(project_id, 'system'), 'token_revoked', %(actor)s, job_seq, job_epoch, %(reason)s,
         jsonb_build_object('token_id', id, 'role', role)
    FROM ended
)
SELECT count(*) AS revoked FROM ended

-- name: revoke_leases
-- Takes every lease away: its attempt is closed, its job is paused as restored, under an epoch that was never given.
WITH clock AS MATERIALIZED (
  SELECT watchkeeper.now() AS now
), ended AS (
  DELETE FROM watchkeeper.leases
  RETURNING project_id, seq, kind, priority, epoch, agent_errors, lost_leases, worker_id, token_hash, claimed_at
), closed AS (
  INSERT INTO watchkeeper.closed_attempts (project_id, seq, epoch, worker_id, outcome, cause, error, token_hash, answer,
                                           started_at, ended_at)
  SELECT e.project_id, e.seq, e.epoch, e.worker_id, 'paused', 'infrastructure', %(reason)s, e.token_hash,
         jsonb_build_object('status', 'paused', 'next_run_at', NULL), e.claimed_at, clock.now
    FROM ended e CROSS JOIN clock
), held AS (
  INSERT INTO watchkeeper.held_jobs (project_id, seq, kind, priority, epoch, agent_errors, lost_leases, state,
                                     state_reason, detail, held_by, held_at)
  SELECT e.project_id, e.seq, e.kind, e.priority, e.epoch, e.agent_errors, e.lost_leases, 'paused', 'restored',
         jsonb_build_object('reason', %(reason)s::text, 'worker_id', e.worker_id, 'epoch', e.epoch), %(actor)s, clock.now
    FROM ended e CROSS JOIN clock
), audited AS (
  INSERT INTO watchkeeper.audit_events (at, project_id, event, actor, job_seq, epoch, old_state, new_state, reason, data)
  SELECT clock.now, e.project_id, 'lease_revoked', %(actor)s, e.seq, e.epoch, 'running', 'paused', %(reason)s,
         jsonb_build_object('cause', 'infrastructure', 'state_reason', 'restored', 'worker_id', e.worker_id)
    FROM ended e CROSS JOIN clock
)
SELECT count(*) AS revoked FROM ended

-- name: raise_epochs
-- Moves every unfinished job, and the number that the next new job gets, past all that was given after the backup.
WITH ready AS (UPDATE watchkeeper.ready_jobs SET epoch = epoch + %(jump)s::int RETURNING 1),
     scheduled AS (UPDATE watchkeeper.scheduled_jobs SET epoch = epoch + %(jump)s::int RETURNING 1),
     held AS (UPDATE watchkeeper.held_jobs SET epoch = epoch + %(jump)s::int RETURNING 1)
SELECT (SELECT count(*) FROM ready) + (SELECT count(*) FROM scheduled) + (SELECT count(*) FROM held) AS raised,
       setval('watchkeeper.job_specs_seq_seq', nextval('watchkeeper.job_specs_seq_seq') + %(jump)s::int) AS next_seq

-- name: stand_still
-- Writes the restore down, turns claims and actions off, and tells the audit trail. A restore that the backup itself
-- had not resumed hands on what was on before it.
WITH before AS (
  UPDATE watchkeeper.restores SET resumed_by = %(actor)s, resumed_at = watchkeeper.now(), resume_reason = 'restored again'
   WHERE resumed_at IS NULL
  RETURNING claims_were_on, actions_were_on
), made AS (
  INSERT INTO watchkeeper.restores (taken_at, product, timeline, epoch_jump, claims_were_on, actions_were_on, restored_by)
  SELECT %(taken_at)s::timestamptz, %(product)s, %(timeline)s, %(jump)s,
         coalesce((SELECT claims_were_on FROM before), claims.is_on),
         coalesce((SELECT actions_were_on FROM before), actions.is_on), %(actor)s
    FROM watchkeeper.switches claims, watchkeeper.switches actions
   WHERE claims.name = 'claims' AND actions.name = 'actions'
  RETURNING id
), off AS (
  UPDATE watchkeeper.switches
     SET is_on = false, reason = %(reason)s, changed_by = %(actor)s, changed_at = watchkeeper.now()
  RETURNING name
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, reason, data)
  SELECT 'system', 'switch_changed', %(actor)s, %(reason)s, jsonb_build_object('switch', name, 'on', false) FROM off
  UNION ALL
  SELECT 'system', 'database_restored', %(actor)s, %(reason)s,
         %(data)s::text::jsonb || jsonb_build_object('restore_id', id) FROM made
)
SELECT id FROM made

-- name: standstill
-- The restore that nobody has resumed yet; no row where the database moves.
SELECT id, taken_at, restored_at, restored_by, claims_were_on, actions_were_on,
       (SELECT count(*) FROM watchkeeper.held_jobs WHERE state = 'paused' AND state_reason = 'restored') AS paused
  FROM watchkeeper.restores WHERE resumed_at IS NULL

-- name: standing_still
-- A row while a restore waits to be resumed.
SELECT 1 AS still FROM watchkeeper.restores WHERE resumed_at IS NULL

-- name: move_again
-- Ends the standstill: the switches are as they were at the backup.
WITH ended AS (
  UPDATE watchkeeper.restores SET resumed_by = %(actor)s, resumed_at = watchkeeper.now(), resume_reason = %(reason)s
   WHERE resumed_at IS NULL
  RETURNING id, claims_were_on, actions_were_on
), switched AS (
  UPDATE watchkeeper.switches w
     SET is_on = true, reason = %(reason)s, changed_by = %(actor)s, changed_at = watchkeeper.now()
    FROM ended e
   WHERE NOT w.is_on AND CASE w.name WHEN 'claims' THEN e.claims_were_on ELSE e.actions_were_on END
  RETURNING w.name
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, reason, data)
  SELECT 'system', 'switch_changed', %(actor)s, %(reason)s, jsonb_build_object('switch', name, 'on', true) FROM switched
  UNION ALL
  SELECT 'system', 'database_resumed', %(actor)s, %(reason)s,
         jsonb_build_object('restore_id', id, 'jobs_for_people', %(keep_paused)s::boolean) FROM ended
)
SELECT e.id, ARRAY(SELECT name FROM switched ORDER BY name) AS switched FROM ended e

-- name: resume_restored_jobs
-- Makes the jobs pending again that ran when the backup was taken.
WITH clock AS MATERIALIZED (
  SELECT watchkeeper.now() AS now
), released AS (
  DELETE FROM watchkeeper.held_jobs WHERE state = 'paused' AND state_reason = 'restored'
  RETURNING project_id, seq, kind, priority, epoch, agent_errors, lost_leases
), ready AS (
  INSERT INTO watchkeeper.ready_jobs (project_id, kind, priority, seq, epoch, agent_errors, lost_leases, ready_at)
  SELECT r.project_id, r.kind, r.priority, r.seq, r.epoch, r.agent_errors, r.lost_leases, clock.now
    FROM released r CROSS JOIN clock
), audited AS (
  INSERT INTO watchkeeper.audit_events (at, project_id, event, actor, job_seq, epoch, old_state, new_state, reason)
  SELECT clock.now, r.project_id, 'job_resumed', %(actor)s, r.seq, r.epoch, 'paused', 'pending', %(reason)s
    FROM released r CROSS JOIN clock
)
SELECT count(*) AS resumed FROM released

-- name: wake_everybody
-- Tells all who sleep that there may be work.
SELECT pg_notify('watchkeeper_ready', project_id) FROM (SELECT DISTINCT project_id FROM watchkeeper.sleepers) s

-- name: settle_restored
-- Makes the statistics that a fresh restore lacks, and takes away the rows that raising the epochs has left.
VACUUM (ANALYZE)
