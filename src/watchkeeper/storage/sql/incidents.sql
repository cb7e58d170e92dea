-- name: known_incidents
-- The unresolved incidents of these fingerprints, as far as a finding could tell them anything new.
SELECT i.project_id, i.fingerprint, i.id, i.state, i.severity, i.occurrences, i.evidence_ref, i.last_seen_at,
       i.passing_since, i.recurrence_of, i.is_flapping, i.cause_id
  FROM unnest(%(projects)s::text[], %(fingerprints)s::text[]) AS g (project_id, fingerprint)
  JOIN watchkeeper.watchdog_incidents i
    ON i.project_id = g.project_id AND i.fingerprint = g.fingerprint AND i.state <> 'resolved'

-- name: lock_workers_to_stop
-- Takes workers' rows before their incidents', as a claim does: otherwise the two could wait for each other.
SELECT w.worker_id
  FROM unnest(%(projects)s::text[], %(workers)s::text[]) AS g (project_id, worker_id)
  JOIN watchkeeper.workers w ON w.project_id = g.project_id AND w.worker_id = g.worker_id
 ORDER BY w.project_id, w.worker_id
   FOR NO KEY UPDATE OF w

-- name: record_findings
-- Opens an incident for each finding, or counts one more on that which is unresolved, in the order of fingerprints.
-- A finding counts when it is an edge (it happened once more), or names other evidence than the last one; then it also
-- stops the worker that its rule stops, and an acknowledgement, which was given to what was known, is over. What is only
-- reported of another's queue is hearsay where it names a worker of ours.
WITH clock AS MATERIALIZED (
  SELECT watchkeeper.now() AS now
), given AS MATERIALIZED (
  SELECT f.*, least(f.found_at, clock.now) AS seen_at, clock.now,
         coalesce(f.is_mirrored AND (SELECT w.origin = 'own' FROM watchkeeper.workers w
                                      WHERE w.project_id = f.project_id AND w.worker_id = f.worker_id), false) AS is_hearsay
    FROM jsonb_to_recordset(%(findings)s::text::jsonb) AS f (
           project_id text, fingerprint text, rule text, severity text, state text, job_id uuid, worker_id text, kind text,
           is_mirrored boolean, evidence jsonb, evidence_ref text, cause text, owner text, next_action text,
           due_seconds float8, stops_worker boolean, times integer, found_at timestamptz)
   CROSS JOIN clock
), before AS MATERIALIZED (
  SELECT i.id, i.evidence_ref, i.state FROM given g
    JOIN watchkeeper.watchdog_incidents i
      ON i.project_id = g.project_id AND i.fingerprint = g.fingerprint AND i.state <> 'resolved'
), written AS (
  INSERT INTO watchkeeper.watchdog_incidents AS i
         (project_id, rule, fingerprint, severity, state, job_id, worker_id, kind, is_mirrored, is_hearsay, evidence, evidence_ref,
          cause, owner, next_action, due_at, occurrences, policy_version, policy_digest, opened_at, last_seen_at)
  SELECT project_id, rule, fingerprint, severity, state, job_id, worker_id, kind, is_mirrored, is_hearsay, evidence, evidence_ref,
         cause, owner, next_action, now + make_interval(secs => due_seconds), times,
         %(policy_version)s, %(policy_digest)s, now, seen_at
    FROM given ORDER BY project_id, fingerprint
  ON CONFLICT (project_id, fingerprint) WHERE state <> 'resolved'
     DO UPDATE SET
       occurrences = i.occurrences + CASE
         WHEN %(is_edge)s::boolean OR (excluded.evidence_ref <> coalesce(i.evidence_ref, '')
                                       AND excluded.last_seen_at > i.last_seen_at) THEN excluded.occurrences ELSE 0 END,
       first_evidence = coalesce(i.first_evidence, i.evidence),
       cause = CASE WHEN excluded.last_seen_at >= i.last_seen_at THEN excluded.cause ELSE i.cause END,
       evidence = CASE WHEN excluded.last_seen_at >= i.last_seen_at THEN excluded.evidence ELSE i.evidence END,
       evidence_ref = CASE WHEN excluded.last_seen_at >= i.last_seen_at
                           THEN coalesce(excluded.evidence_ref, i.evidence_ref) ELSE i.evidence_ref END,
       state = CASE WHEN i.state = 'acknowledged' AND (SELECT g.stops_worker FROM given g
                           WHERE g.project_id = excluded.project_id AND g.fingerprint = excluded.fingerprint)
                      AND (%(is_edge)s::boolean OR (excluded.evidence_ref <> coalesce(i.evidence_ref, '')
                                                    AND excluded.last_seen_at > i.last_seen_at))
                    THEN coalesce(i.acknowledged_from, 'open') ELSE i.state END,
       last_seen_at = greatest(i.last_seen_at, excluded.last_seen_at), passing_since = NULL
  RETURNING i.*, i.xmax = 0 AS opened
), opened AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, new_state, data)
  SELECT project_id, 'incident_opened', %(actor)s, state,
         jsonb_strip_nulls(jsonb_build_object('incident_id', id, 'rule', rule, 'severity', severity, 'cause', cause,
           'job_id', job_id, 'worker_id', worker_id, 'kind', kind, 'evidence_ref', evidence_ref,
           'policy_version', policy_version, 'policy_digest', policy_digest))
    FROM written WHERE opened
), reopened AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, old_state, new_state, reason, data)
  SELECT i.project_id, 'incident_moved', %(actor)s, 'acknowledged', i.state, 'it happened again',
         jsonb_build_object('incident_id', i.id, 'rule', i.rule)
    FROM written i JOIN before b ON b.id = i.id WHERE b.state = 'acknowledged' AND i.state <> 'acknowledged'
), stopped AS (
  INSERT INTO watchkeeper.workers AS w (project_id, worker_id, profile, origin, stopped_at, stopped_by, stop_reason)
  SELECT DISTINCT ON (g.project_id, g.worker_id) g.project_id, g.worker_id, 'session',
         CASE WHEN g.is_mirrored THEN 'helper' ELSE 'own' END, g.now, 'watchdog',
         g.rule || ' (incident ' || i.id || ')'
    FROM given g
    JOIN written i ON i.project_id = g.project_id AND i.fingerprint = g.fingerprint
    LEFT JOIN before b ON b.id = i.id
   WHERE g.stops_worker AND g.worker_id IS NOT NULL AND NOT i.is_hearsay
     AND (i.opened OR %(is_edge)s::boolean OR b.evidence_ref IS DISTINCT FROM i.evidence_ref)
     AND EXISTS (SELECT FROM watchkeeper.switches s WHERE s.name = 'actions' AND s.is_on)
   ORDER BY g.project_id, g.worker_id, g.rule
  ON CONFLICT (project_id, worker_id)
     DO UPDATE SET stopped_at = excluded.stopped_at, stopped_by = excluded.stopped_by, stop_reason = excluded.stop_reason
     WHERE w.stopped_at IS NULL
  RETURNING w.project_id, w.worker_id, w.stop_reason
), told AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, reason, data)
  SELECT project_id, 'worker_stopped', 'watchdog', stop_reason, jsonb_build_object('worker_id', worker_id) FROM stopped
)
SELECT i.id, i.project_id, i.fingerprint, i.rule, i.state, i.severity, i.occurrences, i.recurrence_of, i.is_flapping,
       i.cause_id, i.opened, s.worker_id AS stopped_worker
  FROM written i LEFT JOIN stopped s ON s.project_id = i.project_id AND s.worker_id = i.worker_id

-- name: past_incidents
-- What was resolved lately of the fingerprints of these incidents, for the judgement whether they have come back.
SELECT n.id AS returned, p.id, p.resolved_at, p.quiet_until, p.quiet_by, n.opened_at
  FROM watchkeeper.watchdog_incidents n
  JOIN watchkeeper.watchdog_incidents p
    ON p.project_id = n.project_id AND p.fingerprint = n.fingerprint AND p.state = 'resolved'
   AND (p.resolved_at > n.opened_at - make_interval(secs => %(days)s * 86400) OR p.quiet_until > n.opened_at)
 WHERE n.id = ANY (%(ids)s::uuid[]) AND n.project_id = ANY (%(projects)s::text[])

-- name: mark_returns
-- Notes on new incidents which one each is a return of, whether it flaps, and the silence that a person ordered.
UPDATE watchkeeper.watchdog_incidents i
   SET recurrence_of = r.recurrence_of, is_flapping = r.is_flapping, quiet_until = r.quiet_until, quiet_by = r.quiet_by
  FROM unnest(%(ids)s::uuid[], %(recurrences)s::uuid[], %(flapping)s::boolean[], %(quiet_until)s::timestamptz[],
              %(quiet_by)s::text[]) AS r (id, recurrence_of, is_flapping, quiet_until, quiet_by)
 WHERE i.id = r.id AND i.project_id = ANY (%(projects)s::text[])

-- name: related_incidents
-- Unresolved incidents that have a job, a worker or a kind in common with these, and those of the whole installation.
WITH these AS MATERIALIZED (
  SELECT project_id, id, rule, job_id, worker_id, kind FROM watchkeeper.watchdog_incidents
   WHERE id = ANY (%(ids)s::uuid[]) AND project_id = ANY (%(projects)s::text[])
)
SELECT i.id, i.project_id, i.rule, i.opened_at, i.job_id, i.worker_id, i.kind, i.cause_id
  FROM watchkeeper.watchdog_incidents i
 WHERE i.state <> 'resolved'
   AND (EXISTS (SELECT FROM these t
                 WHERE i.id = t.id
                    OR (i.project_id = t.project_id
                        AND (i.job_id = t.job_id OR i.worker_id = t.worker_id OR i.kind = t.kind)))
        OR (i.project_id = 'system' AND i.rule = ANY (%(everywhere)s::text[]))
        OR EXISTS (SELECT FROM these t WHERE t.project_id = 'system' AND t.rule = ANY (%(everywhere)s::text[])))
 ORDER BY i.opened_at LIMIT %(most)s

-- name: attach_symptoms
-- Attaches symptoms to their causes. What somebody else changes just now is left: the next look finds it.
WITH found AS MATERIALIZED (
  SELECT i.id, g.cause_id
    FROM unnest(%(symptoms)s::uuid[], %(causes)s::uuid[]) AS g (id, cause_id)
    JOIN watchkeeper.watchdog_incidents i ON i.id = g.id AND i.project_id = ANY (%(projects)s::text[])
   WHERE i.state <> 'resolved' AND i.cause_id IS NULL
     FOR NO KEY UPDATE OF i SKIP LOCKED
)
UPDATE watchkeeper.watchdog_incidents i SET cause_id = found.cause_id
  FROM found WHERE i.id = found.id AND i.project_id = ANY (%(projects)s::text[])
RETURNING i.id, i.cause_id
