-- name: needs
-- What waits for a person: approvals first, then what expires soonest, blocks most jobs, is oldest. `fold` says why a row is
-- left out of the count: it is in somebody's hands, or was called right. A job whose incident is here stands for itself not.
WITH asked AS MATERIALIZED (
  SELECT watchkeeper.now() AS now
), repairs AS MATERIALIZED (
  SELECT r.id, r.incident_id, r.action, r.trigger, r.reason, r.job_id, r.worker_id, r.kind, r.created_at, r.plan -> 'target' AS target,
         least(r.expires_at, i.due_at) AS expires_at
    FROM watchkeeper.repair_actions r
    LEFT JOIN watchkeeper.watchdog_incidents i
      ON i.project_id = r.project_id AND i.id = r.incident_id AND i.state <> 'resolved'
   WHERE r.project_id = %(project_id)s AND r.state = 'proposed' AND r.authority IN ('supervisor', 'owner')
   ORDER BY least(r.expires_at, i.due_at), r.id LIMIT %(limit)s
), incidents AS MATERIALIZED (
  SELECT * FROM (
  SELECT i.id, i.rule, i.severity, i.state, i.cause, i.job_id, i.worker_id, i.kind, i.opened_at, i.due_at,
         CASE WHEN i.quiet_until > asked.now THEN 'quiet' WHEN i.state = 'acknowledged' THEN 'acknowledged' END AS fold,
         CASE WHEN i.quiet_until > asked.now THEN i.quiet_until WHEN i.state = 'acknowledged' THEN i.acknowledged_until END AS until,
         CASE WHEN i.quiet_until > asked.now THEN i.quiet_by WHEN i.state = 'acknowledged' THEN i.acknowledged_by END AS by
    FROM watchkeeper.watchdog_incidents i CROSS JOIN asked
   WHERE i.project_id = %(project_id)s AND i.state <> 'resolved' AND i.cause_id IS NULL
     AND (i.state IN ('escalated', 'needs_human', 'acknowledged') OR i.severity = 'critical'
          OR (i.state = 'open' AND i.due_at <= asked.now))
     AND NOT EXISTS (SELECT FROM watchkeeper.repair_actions r
                      WHERE r.project_id = i.project_id AND r.incident_id = i.id AND r.state = 'proposed'
                        AND r.authority IN ('supervisor', 'owner'))
  ) found ORDER BY fold IS NOT NULL, due_at, id LIMIT %(limit)s
), held AS MATERIALIZED (
  SELECT worker_id, count(*) AS jobs, min(expires_at) AS first_end
    FROM watchkeeper.leases WHERE project_id = %(project_id)s GROUP BY worker_id
), waiting AS MATERIALIZED (
  SELECT k.kind, q.jobs
    FROM (SELECT kind FROM repairs WHERE kind IS NOT NULL UNION SELECT kind FROM incidents WHERE kind IS NOT NULL) k
   CROSS JOIN LATERAL (SELECT count(*) AS jobs FROM (
                         SELECT FROM watchkeeper.ready_jobs j WHERE j.project_id = %(project_id)s AND j.kind = k.kind
                          ORDER BY j.priority DESC, j.seq LIMIT 1000) next_ones) q
), jobs AS (
  SELECT n.concern, s.id, s.seq, s.kind, n.state, n.state_reason, n.code, n.summary AS said, n.worker_id, n.since
    FROM (
      (SELECT 'lease_dead' AS concern, seq, 'running' AS state, NULL AS state_reason, NULL AS code, NULL AS summary, worker_id,
              expires_at AS since
         FROM watchkeeper.leases
        WHERE project_id = %(project_id)s AND expires_at < (SELECT now FROM asked)
          AND (SELECT min(first_end) FROM held) < (SELECT now FROM asked)
        ORDER BY expires_at LIMIT %(limit)s)
      UNION ALL
      (SELECT state, seq, state, state_reason, NULL, NULL, held_by, held_at
         FROM watchkeeper.held_jobs WHERE project_id = %(project_id)s ORDER BY state DESC, held_at LIMIT %(limit)s)
      UNION ALL
      (SELECT 'failed', f.seq, f.state, f.state_reason, f.code, f.summary, NULL, f.finished_at
         FROM (SELECT * FROM watchkeeper.job_outcomes WHERE project_id = %(project_id)s AND state = 'failed'
                ORDER BY seq DESC LIMIT 200) f
        WHERE f.finished_at > (SELECT now FROM asked) - interval '1 day'
        ORDER BY f.finished_at DESC LIMIT %(limit)s)
    ) n
    JOIN watchkeeper.job_specs s ON s.project_id = %(project_id)s AND s.seq = n.seq
   WHERE NOT EXISTS (SELECT FROM repairs r WHERE r.job_id = s.id) AND NOT EXISTS (SELECT FROM incidents i WHERE i.job_id = s.id)
)
SELECT f.concern, f.id, f.about, f.job_id, f.worker_id, f.kind, f.state, f.reason, coalesce(f.said, a.reason) AS said, f.code,
       f.since, f.expires_at, f.target, f.fold, f.until, f.by, f.blocks
  FROM (
    SELECT w.*, b.blocks
  FROM (
    SELECT 'repair' AS concern, id, action AS about, job_id, worker_id, kind, NULL AS state, trigger AS reason, reason AS said,
           NULL AS code, created_at AS since, expires_at, target, NULL AS fold, NULL::timestamptz AS until, NULL AS by, NULL::bigint AS job_seq
      FROM repairs
    UNION ALL
    SELECT 'incident', id, rule, job_id, worker_id, kind, state, cause, NULL, NULL, opened_at, due_at, NULL, fold, until, by, NULL
      FROM incidents
    UNION ALL
    SELECT concern, id, kind, id, worker_id, kind, state, state_reason, said, code, since, NULL, NULL,
           CASE WHEN state = 'paused' AND state_reason = 'operator' THEN 'paused' END, NULL, NULL, seq
      FROM jobs
    UNION ALL
    (SELECT 'late', id, command, job_id, worker_id, NULL, NULL, NULL, reason, NULL, created_at, NULL, NULL, NULL, NULL, NULL, NULL
       FROM watchkeeper.reconcile_items WHERE project_id = %(project_id)s AND decided_at IS NULL ORDER BY id LIMIT %(limit)s)
    UNION ALL
    (SELECT 'proposal', p.id, p.kind, p.job_id, NULL, NULL, NULL, NULL, p.decision, NULL, p.created_at, NULL, NULL, NULL, NULL, NULL, NULL
       FROM watchkeeper.proposals p WHERE p.project_id = %(project_id)s AND p.decided_at IS NULL ORDER BY p.id LIMIT %(limit)s)
    UNION ALL
    (SELECT 'question', q.id, q.person, NULL, NULL, NULL, NULL, NULL, q.question, NULL, q.asked_at, q.due_at, NULL, NULL, NULL, NULL, NULL
       FROM watchkeeper.people_syncs q
      WHERE q.project_id = %(project_id)s AND q.answered_at IS NULL AND q.due_at < (SELECT now FROM asked)
      ORDER BY q.due_at LIMIT %(limit)s)
  ) w
  LEFT JOIN waiting ON waiting.kind = w.kind
  LEFT JOIN held ON held.worker_id = w.worker_id AND w.concern IN ('repair', 'incident')
 CROSS JOIN LATERAL (
   SELECT CASE WHEN w.concern IN ('proposal', 'question') THEN 0
               WHEN w.job_id IS NOT NULL THEN 1
               WHEN w.kind IS NOT NULL THEN coalesce(waiting.jobs, 0)
               ELSE coalesce(held.jobs, 0) END
          + CASE WHEN w.concern = 'incident' THEN (
              SELECT count(*) FROM watchkeeper.watchdog_incidents y
               WHERE y.project_id = %(project_id)s AND y.cause_id = w.id AND y.state <> 'resolved') ELSE 0 END AS blocks) b
 ORDER BY w.fold IS NOT NULL, w.concern <> 'repair', w.expires_at NULLS LAST, b.blocks DESC, w.since, w.id
 LIMIT %(limit)s) f
  LEFT JOIN LATERAL (SELECT e.reason FROM watchkeeper.audit_events e
                      WHERE e.project_id = %(project_id)s AND e.job_seq = f.job_seq AND e.new_state = f.state
                      ORDER BY e.seq DESC LIMIT 1) a ON f.said IS NULL AND f.concern IN ('stuck', 'paused', 'failed')
 ORDER BY f.fold IS NOT NULL, f.concern <> 'repair', f.expires_at NULLS LAST, f.blocks DESC, f.since, f.id
