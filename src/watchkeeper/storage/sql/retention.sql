-- name: forget_jobs
-- Deletes, of one page of a project's jobs, those that ended long ago and that nothing open names, with their attempts and
-- artifacts; audit rows and checks stay.
WITH clock AS MATERIALIZED (
  SELECT watchkeeper.now() AS now
), page AS MATERIALIZED (
  SELECT seq, id, created_at FROM watchkeeper.job_specs
   WHERE project_id = %(project_id)s AND seq > %(after)s ORDER BY seq LIMIT %(limit)s
), old AS MATERIALIZED (
  SELECT o.project_id, o.seq FROM watchkeeper.job_outcomes o JOIN page p ON p.seq = o.seq
   WHERE o.project_id = %(project_id)s
     AND o.finished_at < (SELECT now FROM clock) - %(days)s::float8 * interval '1 day'
     AND NOT EXISTS (SELECT FROM watchkeeper.watchdog_incidents i
                      WHERE i.project_id = o.project_id AND i.job_id = p.id
                        AND (i.state <> 'resolved'
                             OR i.opened_at > (SELECT now FROM clock) - %(report_days)s * interval '1 day'))
     AND NOT EXISTS (SELECT FROM watchkeeper.reconcile_items r
                      WHERE r.project_id = o.project_id AND r.seq = o.seq AND r.decided_at IS NULL)
     AND NOT EXISTS (SELECT FROM watchkeeper.proposals q
                      WHERE q.project_id = o.project_id AND q.job_id = p.id AND q.decided_at IS NULL)
     AND NOT EXISTS (SELECT FROM watchkeeper.repair_actions a
                      WHERE a.project_id = o.project_id AND a.job_id = p.id
                        AND a.state IN ('proposed', 'approved', 'executing', 'needs_human'))
     AND NOT EXISTS (SELECT FROM watchkeeper.job_specs c
                       LEFT JOIN watchkeeper.job_outcomes e ON e.project_id = c.project_id AND e.seq = c.seq
                      WHERE c.project_id = o.project_id AND c.retry_of = p.id AND e.seq IS NULL)
     FOR UPDATE OF o SKIP LOCKED
), files AS (
  DELETE FROM watchkeeper.artifacts f USING old WHERE f.project_id = old.project_id AND f.seq = old.seq
), attempts AS (
  DELETE FROM watchkeeper.closed_attempts a USING old WHERE a.project_id = old.project_id AND a.seq = old.seq
), reported AS (
  DELETE FROM watchkeeper.foreign_leases l USING old WHERE l.project_id = old.project_id AND l.seq = old.seq
), specs AS (
  DELETE FROM watchkeeper.job_specs s USING old WHERE s.project_id = old.project_id AND s.seq = old.seq
), gone AS (
  DELETE FROM watchkeeper.job_outcomes o USING old
   WHERE o.project_id = old.project_id AND o.seq = old.seq RETURNING o.seq
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, reason, data)
  SELECT %(project_id)s, 'jobs_pruned', 'system', 'they ended long ago',
         jsonb_build_object('count', count(*), 'first_seq', min(seq), 'last_seq', max(seq))
    FROM gone HAVING count(*) > 0
)
SELECT (SELECT count(*) FROM gone) AS gone, max(seq) AS last,
       count(*) < %(limit)s
         OR max(created_at) >= (SELECT now FROM clock) - %(days)s::float8 * interval '1 day' AS is_last
  FROM page

-- name: forget_reconcile_items
-- Deletes late completions that a person decided on long ago.
WITH gone AS (
  DELETE FROM watchkeeper.reconcile_items WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM watchkeeper.reconcile_items
     WHERE decided_at < (SELECT watchkeeper.now()) - %(days)s::float8 * interval '1 day'
     LIMIT %(limit)s FOR UPDATE SKIP LOCKED)) RETURNING 1
)
SELECT count(*) AS gone FROM gone

-- name: forget_agent_sessions
-- Deletes agent sessions that were silent for long and whose job is gone, with what is left of their events.
WITH gone AS (
  DELETE FROM watchkeeper.agent_sessions WHERE ctid = ANY (ARRAY(
    SELECT a.ctid FROM watchkeeper.agent_sessions a,
           (SELECT watchkeeper.now() - %(days)s::float8 * interval '1 day' AS before) clock
     WHERE a.started_at < (SELECT watchkeeper.now()) - %(days)s::float8 * interval '1 day'
       AND greatest(a.ended_at, a.last_event_at, a.started_at) < clock.before
       AND NOT EXISTS (SELECT FROM watchkeeper.job_specs s WHERE s.project_id = a.project_id AND s.id = a.job_id)
     ORDER BY a.started_at LIMIT %(limit)s FOR UPDATE OF a SKIP LOCKED)) RETURNING 1
)
SELECT count(*) AS gone FROM gone

-- name: forget_session_events
-- Deletes old events of agent sessions.
WITH gone AS (
  DELETE FROM watchkeeper.session_events WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM watchkeeper.session_events
     WHERE created_at < (SELECT watchkeeper.now()) - %(days)s::float8 * interval '1 day'
     ORDER BY created_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)) RETURNING 1
)
SELECT count(*) AS gone FROM gone

-- name: forget_worker_heartbeats
-- Deletes old rounds of contract workers.
WITH gone AS (
  DELETE FROM watchkeeper.worker_heartbeats WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM watchkeeper.worker_heartbeats
     WHERE created_at < (SELECT watchkeeper.now()) - %(days)s::float8 * interval '1 day'
     ORDER BY created_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)) RETURNING 1
)
SELECT count(*) AS gone FROM gone

-- name: forget_worker_runs
-- Deletes old phases of attempts, but not of jobs whose incident is open or awaits its report.
WITH gone AS (
  DELETE FROM watchkeeper.worker_runs WHERE ctid = ANY (ARRAY(
    SELECT w.ctid FROM watchkeeper.worker_runs w
     WHERE w.started_at < (SELECT watchkeeper.now()) - %(days)s::float8 * interval '1 day'
       AND NOT EXISTS (SELECT FROM watchkeeper.watchdog_incidents i
                        WHERE i.project_id = w.project_id AND i.job_id = w.job_id
                          AND (i.state <> 'resolved'
                               OR i.opened_at > (SELECT watchkeeper.now()) - %(report_days)s * interval '1 day'))
     ORDER BY w.started_at LIMIT %(limit)s FOR UPDATE OF w SKIP LOCKED)) RETURNING 1
)
SELECT count(*) AS gone FROM gone

-- name: forget_helper_events
-- Deletes old output of commands, but not of jobs whose incident is open or awaits its report.
WITH gone AS (
  DELETE FROM watchkeeper.helper_events WHERE ctid = ANY (ARRAY(
    SELECT h.ctid FROM watchkeeper.helper_events h
     WHERE h.created_at < (SELECT watchkeeper.now()) - %(days)s::float8 * interval '1 day'
       AND NOT EXISTS (SELECT FROM watchkeeper.watchdog_incidents i
                        WHERE i.project_id = h.project_id AND i.job_id = h.job_id
                          AND (i.state <> 'resolved'
                               OR i.opened_at > (SELECT watchkeeper.now()) - %(report_days)s * interval '1 day'))
     ORDER BY h.created_at LIMIT %(limit)s FOR UPDATE OF h SKIP LOCKED)) RETURNING 1
)
SELECT count(*) AS gone FROM gone

-- name: forget_workers
-- Deletes workers that are gone for long; one that was stopped stays, since it must not come back as new.
WITH gone AS (
  DELETE FROM watchkeeper.workers WHERE ctid = ANY (ARRAY(
    SELECT w.ctid FROM watchkeeper.workers w
     WHERE w.gone_at < (SELECT watchkeeper.now()) - %(days)s::float8 * interval '1 day'
       AND w.stopped_at IS NULL
       AND NOT EXISTS (SELECT FROM watchkeeper.leases l
                        WHERE l.project_id = w.project_id AND l.worker_id = w.worker_id)
     LIMIT %(limit)s FOR UPDATE OF w SKIP LOCKED)) RETURNING 1
)
SELECT count(*) AS gone FROM gone

-- name: forget_sleepers
-- Deletes those who have long ceased to wait for a wake-up.
WITH gone AS (
  DELETE FROM watchkeeper.sleepers WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM watchkeeper.sleepers
     WHERE since < (SELECT watchkeeper.now()) - %(days)s::float8 * interval '1 day'
     LIMIT %(limit)s FOR UPDATE SKIP LOCKED)) RETURNING 1
)
SELECT count(*) AS gone FROM gone

-- name: forget_pool_parks
-- Deletes parks whose time is over.
WITH gone AS (
  DELETE FROM watchkeeper.pool_parks WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM watchkeeper.pool_parks
     WHERE until < (SELECT watchkeeper.now()) - %(days)s::float8 * interval '1 day'
     LIMIT %(limit)s FOR UPDATE SKIP LOCKED)) RETURNING 1
)
SELECT count(*) AS gone FROM gone

-- name: forget_idempotency_records
-- Deletes answers that nobody will ask for again.
WITH gone AS (
  DELETE FROM watchkeeper.idempotency_records WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM watchkeeper.idempotency_records
     WHERE created_at < (SELECT watchkeeper.now()) - %(days)s::float8 * interval '1 day'
     ORDER BY created_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)) RETURNING 1
)
SELECT count(*) AS gone FROM gone

-- name: forget_tokens
-- Deletes tokens that ended long ago; the audit trail names them.
WITH gone AS (
  DELETE FROM watchkeeper.tokens WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM watchkeeper.tokens
     WHERE least(revoked_at, expires_at) < (SELECT watchkeeper.now()) - %(days)s::float8 * interval '1 day'
     LIMIT %(limit)s FOR UPDATE SKIP LOCKED)) RETURNING 1
)
SELECT count(*) AS gone FROM gone

-- name: forget_job_tokens
-- Deletes the tokens of attempts that are over and that nobody uses.
WITH gone AS (
  DELETE FROM watchkeeper.tokens WHERE ctid = ANY (ARRAY(
    SELECT t.ctid FROM watchkeeper.tokens t
     WHERE t.job_seq IS NOT NULL
       AND greatest(t.created_at, t.last_used_at)
             < (SELECT watchkeeper.now()) - %(days)s::float8 * interval '1 day'
       AND NOT EXISTS (SELECT FROM watchkeeper.leases l
                        WHERE l.project_id = t.project_id AND l.seq = t.job_seq AND l.epoch = t.job_epoch)
     LIMIT %(limit)s FOR UPDATE OF t SKIP LOCKED)) RETURNING 1
)
SELECT count(*) AS gone FROM gone

-- name: forget_login_codes
-- Deletes login codes that ran out.
WITH gone AS (
  DELETE FROM watchkeeper.login_codes WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM watchkeeper.login_codes
     WHERE expires_at < (SELECT watchkeeper.now()) - %(days)s::float8 * interval '1 day'
     LIMIT %(limit)s FOR UPDATE SKIP LOCKED)) RETURNING 1
)
SELECT count(*) AS gone FROM gone

-- name: forget_console_sessions
-- Deletes console sessions that ran out.
WITH gone AS (
  DELETE FROM watchkeeper.console_sessions WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM watchkeeper.console_sessions
     WHERE expires_at < (SELECT watchkeeper.now()) - %(days)s::float8 * interval '1 day'
     LIMIT %(limit)s FOR UPDATE SKIP LOCKED)) RETURNING 1
)
SELECT count(*) AS gone FROM gone

-- name: forget_lesson_uses
-- Deletes which attempts were handed a lesson, long ago; the lesson keeps the count.
WITH gone AS (
  DELETE FROM watchkeeper.lesson_uses WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM watchkeeper.lesson_uses
     WHERE handed_at < (SELECT watchkeeper.now()) - %(days)s::float8 * interval '1 day'
     ORDER BY handed_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)) RETURNING 1
)
SELECT count(*) AS gone FROM gone

-- name: forget_signals
-- Deletes old signals whose job is gone, or that became none.
WITH gone AS (
  DELETE FROM watchkeeper.signals WHERE ctid = ANY (ARRAY(
    SELECT g.ctid FROM watchkeeper.signals g
     WHERE g.received_at < (SELECT watchkeeper.now()) - %(days)s::float8 * interval '1 day'
       AND NOT EXISTS (SELECT FROM watchkeeper.job_specs s WHERE s.project_id = g.project_id AND s.id = g.job_id)
     ORDER BY g.received_at LIMIT %(limit)s FOR UPDATE OF g SKIP LOCKED)) RETURNING 1
)
SELECT count(*) AS gone FROM gone

-- name: forget_alerts
-- Deletes alerts that were sent or dropped, but not of an incident that is open or awaits its report.
WITH gone AS (
  DELETE FROM watchkeeper.alerts WHERE ctid = ANY (ARRAY(
    SELECT a.ctid FROM watchkeeper.alerts a
     WHERE coalesce(a.sent_at, a.dropped_at)
             < (SELECT watchkeeper.now()) - %(days)s::float8 * interval '1 day'
       AND NOT EXISTS (SELECT FROM watchkeeper.watchdog_incidents i
                        WHERE i.project_id = a.project_id AND i.id = a.incident_id
                          AND (i.state <> 'resolved'
                               OR i.opened_at > (SELECT watchkeeper.now()) - %(report_days)s * interval '1 day'))
     LIMIT %(limit)s FOR UPDATE OF a SKIP LOCKED)) RETURNING 1
)
SELECT count(*) AS gone FROM gone

-- name: forget_outcome_counts
-- Deletes counts of ended jobs that no report reaches back to.
WITH gone AS (
  DELETE FROM watchkeeper.outcome_counts WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM watchkeeper.outcome_counts
     WHERE starts_at < (SELECT watchkeeper.now()) - %(days)s::float8 * interval '1 day'
     LIMIT %(limit)s FOR UPDATE SKIP LOCKED)) RETURNING 1
)
SELECT count(*) AS gone FROM gone

-- name: forget_foreign_queues
-- Deletes the counters of foreign queues that nobody has reported for long.
WITH gone AS (
  DELETE FROM watchkeeper.foreign_queues WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM watchkeeper.foreign_queues
     WHERE received_at < (SELECT watchkeeper.now()) - %(days)s::float8 * interval '1 day'
     LIMIT %(limit)s FOR UPDATE SKIP LOCKED)) RETURNING 1
)
SELECT count(*) AS gone FROM gone

-- name: forget_slo_counts
-- Deletes counts that no period reaches any more.
WITH gone AS (
  DELETE FROM watchkeeper.slo_counts WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM watchkeeper.slo_counts
     WHERE begins_at < (SELECT watchkeeper.now()) - %(days)s::float8 * interval '1 day'
     LIMIT %(limit)s FOR UPDATE SKIP LOCKED)) RETURNING 1
)
SELECT count(*) AS gone FROM gone

-- name: forget_share_links
-- Deletes links that ran out long ago; the audit trail tells of them.
WITH gone AS (
  DELETE FROM watchkeeper.share_links WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM watchkeeper.share_links
     WHERE expires_at < (SELECT watchkeeper.now()) - %(days)s::float8 * interval '1 day'
     LIMIT %(limit)s FOR UPDATE SKIP LOCKED)) RETURNING 1
)
SELECT count(*) AS gone FROM gone
