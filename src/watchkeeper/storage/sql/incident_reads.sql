-- name: list_incidents
-- A page of incidents, the newest first.
SELECT i.id, i.project_id, i.rule, i.severity, i.state, i.cause, i.cause_id, i.job_id, i.worker_id, i.kind, i.is_mirrored,
       i.occurrences, i.owner, i.next_action, i.due_at, i.evidence_ref, i.is_flapping, i.recurrence_of, i.opened_at,
       i.last_seen_at, i.resolved_at, i.acknowledged_by, i.acknowledged_until, i.quiet_until
  FROM watchkeeper.watchdog_incidents i
 WHERE i.project_id = %(project_id)s
   AND (%(before)s::uuid IS NULL OR i.id < %(before)s::uuid)
   AND (%(states)s::text[] IS NULL OR i.state = ANY (%(states)s::text[]))
   AND (NOT %(unresolved)s::boolean OR i.state <> 'resolved')
   AND (%(rule)s::text IS NULL OR i.rule = %(rule)s::text)
   AND (%(severity)s::text IS NULL OR i.severity = %(severity)s::text)
   AND (%(job_id)s::uuid IS NULL OR i.job_id = %(job_id)s::uuid)
   AND (%(worker_id)s::text IS NULL OR i.worker_id = %(worker_id)s::text)
   AND (%(kind)s::text IS NULL OR i.kind = %(kind)s::text)
 ORDER BY i.id DESC
 LIMIT %(limit)s

-- name: show_incident
-- One incident with all that it keeps; its fingerprint apart, which says nothing to a reader.
SELECT i.id, i.project_id, i.rule, i.severity, i.state, i.cause, i.cause_id, i.job_id, s.external_id, i.worker_id, i.kind,
       i.is_mirrored, i.occurrences, i.owner, i.next_action, i.due_at, i.evidence, i.first_evidence, i.evidence_ref,
       i.pass_evidence, i.passing_since, i.is_flapping, i.recurrence_of, i.opened_at, i.last_seen_at, i.resolved_at,
       i.resolved_by, i.acknowledged_by, i.acknowledged_note, i.acknowledged_until, i.quiet_by, i.quiet_reason,
       i.quiet_until, i.caused_by_repair, i.policy_version, i.policy_digest, c.rule AS cause_rule, c.state AS cause_state
  FROM watchkeeper.watchdog_incidents i
  LEFT JOIN watchkeeper.watchdog_incidents c ON c.id = i.cause_id AND c.project_id IN (i.project_id, 'system')
  LEFT JOIN watchkeeper.job_specs s ON s.project_id = i.project_id AND s.id = i.job_id
 WHERE i.project_id = %(project_id)s AND i.id = %(id)s::uuid

-- name: symptoms_of
-- What an incident explains, in the same project: of other projects nobody learns here.
SELECT id, rule, severity, state, cause, job_id, worker_id, kind, opened_at
  FROM watchkeeper.watchdog_incidents
 WHERE project_id = %(project_id)s AND cause_id = %(id)s::uuid
 ORDER BY id LIMIT %(limit)s

-- name: repairs_of_incident
-- What was planned and done about an incident, in order.
SELECT id, action, state, result, authority, actor, reason, plan_digest, output_hash, created_at, ended_at
  FROM watchkeeper.repair_actions
 WHERE project_id = %(project_id)s AND incident_id = %(id)s::uuid
 ORDER BY id LIMIT %(limit)s

-- name: recurrences_of_incident
-- The incidents before this one, each of which came back as the next.
WITH RECURSIVE past AS (
  SELECT p.id, p.project_id, p.recurrence_of, p.opened_at, p.resolved_at, p.occurrences, 1 AS depth
    FROM watchkeeper.watchdog_incidents i
    JOIN watchkeeper.watchdog_incidents p ON p.project_id = i.project_id AND p.id = i.recurrence_of
   WHERE i.project_id = %(project_id)s AND i.id = %(id)s::uuid
  UNION ALL
  SELECT p.id, p.project_id, p.recurrence_of, p.opened_at, p.resolved_at, p.occurrences, past.depth + 1
    FROM past JOIN watchkeeper.watchdog_incidents p ON p.project_id = past.project_id AND p.id = past.recurrence_of
   WHERE past.depth < %(limit)s
)
SELECT id, opened_at, resolved_at, occurrences FROM past ORDER BY depth

-- name: alerts_of_incident
-- Who was told of an incident, by which channel, when.
SELECT channel, recipient, severity, stage, subject, body, sent_at, dropped_at, drop_reason, created_at
  FROM watchkeeper.alerts
 WHERE project_id = %(project_id)s AND incident_id = %(id)s::uuid
 ORDER BY id LIMIT %(limit)s

-- name: trail_of_incident
-- The audit rows that name an incident; they are found before they are ordered, since the order alone finds them slowly.
WITH named AS MATERIALIZED (
  SELECT * FROM watchkeeper.audit_events WHERE project_id = %(project_id)s AND data ->> 'incident_id' = %(id)s::text
)
SELECT at, event, actor, old_state, new_state, reason, data FROM named ORDER BY timeline, xid, seq LIMIT %(limit)s
