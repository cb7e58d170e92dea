-- name: stuck_classification
-- Of the jobs that were stuck since a time, how many have an incident with a cause and a suggested repair.
WITH recent AS (
  SELECT a.seq, a.outcome, a.ended_at FROM watchkeeper.closed_attempts a
   WHERE a.project_id = %(project_id)s ORDER BY a.seq DESC LIMIT 10000
), stuck AS (
  SELECT s.id FROM recent r JOIN watchkeeper.job_specs s ON s.project_id = %(project_id)s AND s.seq = r.seq
   WHERE r.outcome = 'stuck' AND r.ended_at >= %(since)s
  UNION SELECT s.id FROM watchkeeper.held_jobs h JOIN watchkeeper.job_specs s USING (project_id, seq)
         WHERE h.project_id = %(project_id)s AND h.state = 'stuck' AND h.held_at >= %(since)s
  UNION SELECT m.job_id FROM watchkeeper.mirrored_jobs m WHERE m.project_id = %(project_id)s AND m.state = 'stuck'
  UNION SELECT i.job_id FROM watchkeeper.watchdog_incidents i
         WHERE i.project_id = %(project_id)s AND i.job_id IS NOT NULL AND i.opened_at >= %(since)s
           AND i.rule = ANY (%(stuck_rules)s)
)
SELECT count(*) AS n,
       count(*) FILTER (WHERE EXISTS (
         SELECT FROM watchkeeper.watchdog_incidents i
          WHERE i.project_id = %(project_id)s AND i.job_id = stuck.id AND coalesce(i.cause, '') <> ''
            AND (i.next_action <> 'none'
                 OR EXISTS (SELECT FROM watchkeeper.repair_actions r
                             WHERE r.project_id = i.project_id AND r.incident_id = i.id)))) AS part
  FROM stuck

-- name: retry_success
-- Of the retries since a time, of commands and by repairs, how many succeeded.
SELECT count(*) AS n, count(*) FILTER (WHERE went_well) AS part FROM (
  SELECT status = 'retried' AS went_well FROM (
    SELECT status, started_at FROM watchkeeper.worker_runs WHERE project_id = %(project_id)s ORDER BY id DESC LIMIT 10000) r
   WHERE status IN ('retried', 'stuck') AND started_at >= %(since)s
  UNION ALL
  SELECT result = 'success' FROM watchkeeper.repair_actions
   WHERE project_id = %(project_id)s AND action IN ('retry_command', 'retouch') AND result IS NOT NULL
     AND created_at >= %(since)s) retries

-- name: gate_pass
-- Of the checks of completions since a time, how many passed.
SELECT count(*) AS n, count(*) FILTER (WHERE passed) AS part FROM (
  SELECT command, job_id, passed, checked_at FROM watchkeeper.artifact_checks
   WHERE project_id = %(project_id)s ORDER BY id DESC LIMIT 10000) c
 WHERE command = 'complete' AND checked_at >= %(since)s
   AND NOT EXISTS (SELECT FROM watchkeeper.job_specs s WHERE s.project_id = %(project_id)s AND s.id = c.job_id AND s.is_shadow)

-- name: false_completes
-- Of the completions since a time, how many their evidence does not carry: none was kept, or it was found false or lost.
SELECT count(*) AS n,
       count(*) FILTER (WHERE (o.verified = 'artifact' AND s.origin = 'own' AND NOT EXISTS (
                                SELECT FROM watchkeeper.artifact_checks c
                                 WHERE c.project_id = s.project_id AND c.job_id = s.id AND c.epoch = o.epoch AND c.passed))
                           OR EXISTS (SELECT FROM watchkeeper.watchdog_incidents i
                                       WHERE i.project_id = s.project_id AND i.job_id = s.id
                                         AND i.rule IN ('hidden_failure', 'artifact_lost'))) AS part
  FROM (SELECT * FROM watchkeeper.job_outcomes WHERE project_id = %(project_id)s ORDER BY seq DESC LIMIT 10000) o
  JOIN watchkeeper.job_specs s ON s.project_id = o.project_id AND s.seq = o.seq
 WHERE o.state = 'completed' AND o.finished_at >= %(since)s AND NOT s.is_shadow

-- name: queue_stuck_age
-- How long the oldest work that is stuck in a queue has been so; NULL while no watchdog ticks, who would know.
SELECT count(i.id) AS n, bool_and(t.ok) AS is_watched,
       CASE WHEN bool_and(t.ok)
            THEN coalesce(max(extract(epoch FROM watchkeeper.now() - i.opened_at)), 0)::float8 END AS seconds
  FROM (SELECT coalesce(last_tick_at > watchkeeper.now() - interval '1 minute', false) AND blind_since IS NULL AS ok
          FROM watchkeeper.watchdog_state) t
  LEFT JOIN watchkeeper.watchdog_incidents i
    ON i.project_id = %(project_id)s AND i.state <> 'resolved'
   AND i.rule IN ('queue_stuck', 'missing_worker_kind', 'lease_expired')

-- name: result_contract_failures
-- Of the completions that were asked for since a time, how many the result contract refused.
SELECT count(*) AS n, count(*) FILTER (WHERE error_code IN ('contract_rejected', 'invalid_contract')) AS part FROM (
  SELECT command, error_code, created_at FROM watchkeeper.helper_events
   WHERE project_id = %(project_id)s ORDER BY id DESC LIMIT 10000) e
 WHERE command = 'complete' AND created_at >= %(since)s

-- name: artifact_evidence
-- Of the completions since a time, how many have a verified artifact.
SELECT count(*) AS n, count(*) FILTER (WHERE o.verified = 'artifact') AS part
  FROM (SELECT * FROM watchkeeper.job_outcomes WHERE project_id = %(project_id)s ORDER BY seq DESC LIMIT 10000) o
  JOIN watchkeeper.job_specs s ON s.project_id = o.project_id AND s.seq = o.seq
 WHERE o.state = 'completed' AND o.finished_at >= %(since)s AND NOT s.is_shadow

-- name: advancement
-- Of the heartbeats since a time, how many led to a verified artifact; and of those of personas, in both halves of the time.
WITH beats AS (
  SELECT h.created_at, h.current_job_id IS NOT NULL AS has_job, w.persona IS NOT NULL AS has_persona,
         h.created_at >= %(since)s::timestamptz + (watchkeeper.now() - %(since)s::timestamptz) / 2 AS is_later,
         EXISTS (SELECT FROM watchkeeper.job_specs s
                   JOIN watchkeeper.job_outcomes o ON o.project_id = s.project_id AND o.seq = s.seq
                  WHERE s.project_id = h.project_id AND s.id = h.current_job_id AND o.verified = 'artifact') AS advanced
    FROM (SELECT * FROM watchkeeper.worker_heartbeats
           WHERE project_id = %(project_id)s ORDER BY id DESC LIMIT 10000) h
    LEFT JOIN watchkeeper.workers w ON w.project_id = h.project_id AND w.worker_id = h.worker_id
   WHERE h.created_at >= %(since)s
     AND NOT EXISTS (SELECT FROM watchkeeper.job_specs x
                      WHERE x.project_id = h.project_id AND x.id = h.current_job_id AND x.is_shadow)
)
SELECT count(*) AS n, count(*) FILTER (WHERE advanced) AS part, count(*) FILTER (WHERE has_job) AS with_job,
       count(*) FILTER (WHERE has_persona AND NOT is_later) AS earlier_n,
       count(*) FILTER (WHERE has_persona AND NOT is_later AND advanced) AS earlier,
       count(*) FILTER (WHERE has_persona AND is_later) AS later_n,
       count(*) FILTER (WHERE has_persona AND is_later AND advanced) AS later
  FROM beats

-- name: worker_scores
-- What was counted of each worker since a time: its heartbeats, its attempts, the checks of these, its open incidents.
WITH beats AS (
  SELECT h.worker_id, count(h.doctor_ok) AS doctor_n, count(*) FILTER (WHERE h.doctor_ok) AS doctor,
         count(h.touch_ok) AS touch_n, count(*) FILTER (WHERE h.touch_ok) AS touch,
         count(h.claim_ok) AS claim_n, count(*) FILTER (WHERE h.claim_ok) AS claim,
         count(*) FILTER (WHERE h.current_job_id IS NOT NULL) AS advanced_n,
         count(*) FILTER (WHERE EXISTS (
           SELECT FROM watchkeeper.job_specs s JOIN watchkeeper.job_outcomes o ON o.project_id = s.project_id AND o.seq = s.seq
            WHERE s.project_id = h.project_id AND s.id = h.current_job_id AND o.verified = 'artifact')) AS advanced
    FROM (SELECT * FROM watchkeeper.worker_heartbeats
           WHERE project_id = %(project_id)s ORDER BY id DESC LIMIT 10000) h
   WHERE h.created_at >= %(since)s GROUP BY h.worker_id
), tries AS (
  SELECT a.worker_id, count(*) AS attempts_n, count(*) FILTER (WHERE a.outcome = 'completed') AS attempts,
         count(c.passed) AS gate_n, count(*) FILTER (WHERE c.passed) AS gate
    FROM (SELECT * FROM watchkeeper.closed_attempts
           WHERE project_id = %(project_id)s ORDER BY seq DESC LIMIT 10000) a
    LEFT JOIN LATERAL (
      SELECT bool_or(k.passed) AS passed FROM watchkeeper.artifact_checks k
       WHERE k.project_id = a.project_id AND k.seq = a.seq AND k.epoch = a.epoch AND k.command = 'complete') c ON true
   WHERE a.ended_at >= %(since)s AND a.cause IS DISTINCT FROM 'operator' AND a.cause IS DISTINCT FROM 'quota'
     AND a.outcome <> 'released'
   GROUP BY a.worker_id
)
SELECT w.worker_id, w.role, w.persona, b.doctor_n, b.doctor, b.touch_n, b.touch, b.claim_n, b.claim, b.advanced_n, b.advanced,
       t.attempts_n, t.attempts, t.gate_n, t.gate,
       (SELECT count(*) FROM watchkeeper.watchdog_incidents i
         WHERE i.project_id = w.project_id AND i.worker_id = w.worker_id AND i.state <> 'resolved') AS open_incidents
  FROM watchkeeper.workers w
  LEFT JOIN beats b USING (worker_id) LEFT JOIN tries t USING (worker_id)
 WHERE w.project_id = %(project_id)s ORDER BY w.worker_id LIMIT 1000
