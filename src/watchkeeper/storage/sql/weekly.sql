-- name: week_of_work
-- What a project's jobs came to within a week. Of jobs the newest 10,000 are looked at, of attempts each is counted.
SELECT count(*) FILTER (WHERE o.state = 'completed' AND o.verified = 'artifact') AS verified,
       count(*) FILTER (WHERE o.state = 'completed' AND o.verified <> 'artifact') AS unverified,
       count(*) FILTER (WHERE o.state = 'failed') AS failed,
       count(*) FILTER (WHERE o.state = 'cancelled') AS cancelled,
       (SELECT coalesce(sum(good), 0)::bigint FROM watchkeeper.slo_counts
         WHERE project_id = %(project_id)s AND begins_at >= %(since)s AND begins_at < %(until)s) AS attempts_completed,
       (SELECT coalesce(sum(bad), 0)::bigint FROM watchkeeper.slo_counts
         WHERE project_id = %(project_id)s AND begins_at >= %(since)s AND begins_at < %(until)s) AS attempts_failed
  FROM (SELECT * FROM watchkeeper.job_outcomes WHERE project_id = %(project_id)s ORDER BY seq DESC LIMIT 10000) o
 WHERE o.finished_at >= %(since)s AND o.finished_at < %(until)s

-- name: week_of_trouble
-- What was found and what was done within a week; drills are left out.
SELECT (SELECT count(*) FROM watchkeeper.watchdog_incidents
         WHERE project_id = %(project_id)s AND opened_at >= %(since)s AND opened_at < %(until)s
           AND NOT evidence ? 'drill') AS incidents_opened,
       (SELECT count(*) FROM watchkeeper.watchdog_incidents
         WHERE project_id = %(project_id)s AND state = 'resolved' AND resolved_at >= %(since)s AND resolved_at < %(until)s
           AND NOT evidence ? 'drill') AS incidents_resolved,
       (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM resolved_at - opened_at))
          FROM watchkeeper.watchdog_incidents
         WHERE project_id = %(project_id)s AND state = 'resolved' AND resolved_at >= %(since)s AND resolved_at < %(until)s
           AND NOT evidence ? 'drill')::float8 AS median_trouble_s,
       r.repairs_succeeded, r.repairs_failed, r.repairs_undone
  FROM (SELECT count(*) FILTER (WHERE result = 'success' AND state <> 'rolled_back') AS repairs_succeeded,
               count(*) FILTER (WHERE result <> 'success') AS repairs_failed,
               count(*) FILTER (WHERE state = 'rolled_back') AS repairs_undone
          FROM (SELECT * FROM watchkeeper.repair_actions WHERE project_id = %(project_id)s ORDER BY id DESC LIMIT 10000) x
         WHERE created_at >= %(since)s AND created_at < %(until)s) r

-- name: week_of_people
-- What people were told, asked, decided and sent within a week.
SELECT (SELECT count(*) FROM (SELECT sent_at FROM watchkeeper.alerts
                               WHERE project_id = %(project_id)s ORDER BY id DESC LIMIT 10000) x
         WHERE sent_at >= %(since)s AND sent_at < %(until)s) AS alerts_sent,
       (SELECT count(*) FROM watchkeeper.proposals
         WHERE project_id = %(project_id)s AND decided_at >= %(since)s AND decided_at < %(until)s) AS proposals_decided,
       (SELECT count(*) FROM watchkeeper.people_syncs
         WHERE project_id = %(project_id)s AND answered_at >= %(since)s AND answered_at < %(until)s) AS questions_answered,
       (SELECT count(*) FROM watchkeeper.lessons
         WHERE project_id = %(project_id)s AND published_at >= %(since)s AND published_at < %(until)s) AS lessons_published,
       g.signals_received, g.signals_with_value
  FROM (SELECT count(*) FILTER (WHERE received_at >= %(since)s AND received_at < %(until)s) AS signals_received,
               count(*) FILTER (WHERE valued_at >= %(since)s AND valued_at < %(until)s) AS signals_with_value
          FROM (SELECT * FROM watchkeeper.signals WHERE project_id = %(project_id)s ORDER BY id DESC LIMIT 10000) x) g

-- name: week_left_open
-- What the next week begins with: the incidents that have been open longest, and how much waits for people.
SELECT coalesce((SELECT jsonb_agg(to_jsonb(i)) FROM (
         SELECT id, rule, severity, state, opened_at, job_id FROM watchkeeper.watchdog_incidents
          WHERE project_id = %(project_id)s AND state <> 'resolved' ORDER BY opened_at LIMIT 5) i), '[]') AS incidents,
       (SELECT count(*) FROM (SELECT FROM watchkeeper.watchdog_incidents
                               WHERE project_id = %(project_id)s AND state <> 'resolved' LIMIT 1000) x) AS incidents_open,
       (SELECT count(*) FROM watchkeeper.repair_actions
         WHERE project_id = %(project_id)s AND state IN ('proposed', 'approved')) AS repairs_waiting,
       (SELECT count(*) FROM watchkeeper.proposals
         WHERE project_id = %(project_id)s AND decided_at IS NULL) AS proposals_open,
       (SELECT count(*) FROM watchkeeper.people_syncs
         WHERE project_id = %(project_id)s AND answered_at IS NULL AND due_at < watchkeeper.now()) AS questions_overdue
