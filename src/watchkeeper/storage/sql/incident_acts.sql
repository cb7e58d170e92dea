-- name: close_incident
-- Resolves an incident on pass evidence; one that flaps only once it has passed for a while. Its symptoms are set free,
-- those apart that somebody else changes just now. No row where a finding came after the facts that pass.
WITH clock AS MATERIALIZED (
  SELECT watchkeeper.now() AS now
), judged AS MATERIALIZED (
  SELECT i.id, i.state, %(by_person)s::boolean OR NOT i.is_flapping
         OR coalesce(i.passing_since, clock.now) <= clock.now - make_interval(secs => %(hold_seconds)s) AS closes
    FROM watchkeeper.watchdog_incidents i CROSS JOIN clock
   WHERE i.project_id = %(project_id)s AND i.id = %(id)s::uuid AND i.state <> 'resolved'
     AND (%(passed_at)s::timestamptz IS NULL OR i.last_seen_at <= %(passed_at)s::timestamptz)
     FOR NO KEY UPDATE OF i
), changed AS (
  UPDATE watchkeeper.watchdog_incidents i
     SET state = CASE WHEN j.closes THEN 'resolved' ELSE i.state END,
         resolved_at = CASE WHEN j.closes THEN clock.now END,
         resolved_by = CASE WHEN j.closes THEN %(actor)s::text END,
         passing_since = coalesce(i.passing_since, clock.now),
         pass_evidence = %(pass_evidence)s::text::jsonb
    FROM judged j CROSS JOIN clock
   WHERE i.project_id = %(project_id)s AND i.id = j.id AND (j.closes OR i.passing_since IS NULL)
  RETURNING i.id, i.project_id, i.rule, j.state AS old_state, j.closes, i.pass_evidence
), symptoms AS MATERIALIZED (
  SELECT s.project_id, s.id FROM changed c
    JOIN watchkeeper.watchdog_incidents s ON s.cause_id = c.id AND s.state <> 'resolved'
   WHERE c.closes
     FOR NO KEY UPDATE OF s SKIP LOCKED
), freed AS (
  UPDATE watchkeeper.watchdog_incidents i
     SET cause_id = NULL, freed_at = clock.now
    FROM symptoms s CROSS JOIN clock WHERE i.project_id = s.project_id AND i.id = s.id
  RETURNING i.id
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, old_state, new_state, reason, data)
  SELECT project_id, 'incident_resolved', %(actor)s, old_state, 'resolved', %(reason)s::text,
         jsonb_build_object('incident_id', id, 'rule', rule, 'pass_evidence', pass_evidence,
                            'policy_version', %(policy_version)s::text, 'policy_digest', %(policy_digest)s::text)
    FROM changed WHERE closes
)
SELECT j.closes FROM judged j

-- name: acknowledge_incident
-- Notes that somebody takes care until a time: people are asked no more before it. A repair under way keeps its state.
WITH found AS MATERIALIZED (
  SELECT id, state FROM watchkeeper.watchdog_incidents
   WHERE project_id = %(project_id)s AND id = %(id)s::uuid AND state <> 'resolved'
     FOR NO KEY UPDATE
), changed AS (
  UPDATE watchkeeper.watchdog_incidents i
     SET state = CASE WHEN f.state = ANY (%(sources)s::text[]) THEN 'acknowledged' ELSE f.state END,
         acknowledged_from = CASE WHEN f.state = ANY (%(sources)s::text[]) THEN f.state ELSE i.acknowledged_from END,
         acknowledged_at = coalesce(i.acknowledged_at, watchkeeper.now()), acknowledged_by = %(actor)s, acknowledged_note = %(note)s, acknowledged_until = %(until)s
    FROM found f WHERE i.project_id = %(project_id)s AND i.id = f.id
  RETURNING i.id, i.project_id, i.rule, f.state AS old_state, i.state, i.acknowledged_until
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, old_state, new_state, reason, data)
  SELECT project_id, 'incident_acknowledged', %(actor)s, old_state, state, %(note)s,
         jsonb_build_object('incident_id', id, 'rule', rule, 'until', acknowledged_until) FROM changed
)
SELECT id, state, acknowledged_until FROM changed

-- name: quiet_incident
-- Keeps a person's word that this silence is right until a time; NULL takes it back. Nothing but people is muted.
WITH changed AS (
  UPDATE watchkeeper.watchdog_incidents
     SET quiet_until = %(until)s::timestamptz, quiet_by = %(actor)s, quiet_reason = %(reason)s
   WHERE project_id = %(project_id)s AND id = %(id)s::uuid AND state <> 'resolved'
  RETURNING id, project_id, rule, state, quiet_until
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, reason, data)
  SELECT project_id, 'incident_quieted', %(actor)s, %(reason)s,
         jsonb_build_object('incident_id', id, 'rule', rule, 'until', quiet_until) FROM changed
)
SELECT id, state, quiet_until FROM changed

-- name: end_acknowledgements
-- Gives incidents whose acknowledgement ran out back the state they had; what somebody else changes just now waits.
WITH due AS MATERIALIZED (
  SELECT project_id, id FROM watchkeeper.watchdog_incidents
   WHERE state = 'acknowledged' AND acknowledged_until <= watchkeeper.now()
   ORDER BY acknowledged_until LIMIT %(limit)s
     FOR NO KEY UPDATE SKIP LOCKED
), changed AS (
  UPDATE watchkeeper.watchdog_incidents i SET state = coalesce(i.acknowledged_from, 'open'), acknowledged_from = NULL
    FROM due WHERE i.project_id = due.project_id AND i.id = due.id
  RETURNING i.id, i.project_id, i.rule, i.state
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, old_state, new_state, reason, data)
  SELECT project_id, 'incident_moved', 'watchdog', 'acknowledged', state, 'the acknowledgement ran out',
         jsonb_build_object('incident_id', id, 'rule', rule) FROM changed
)
SELECT id FROM changed

-- name: free_symptoms
-- Sets symptoms free whose cause was resolved while somebody else changed them.
WITH loose AS MATERIALIZED (
  SELECT s.project_id, s.id FROM watchkeeper.watchdog_incidents s
   WHERE s.cause_id IS NOT NULL AND s.state <> 'resolved'
     AND NOT EXISTS (SELECT FROM watchkeeper.watchdog_incidents c
                      WHERE c.id = s.cause_id AND c.project_id IN (s.project_id, 'system') AND c.state <> 'resolved')
   LIMIT %(limit)s
     FOR NO KEY UPDATE OF s SKIP LOCKED
)
UPDATE watchkeeper.watchdog_incidents i
   SET cause_id = NULL, freed_at = watchkeeper.now()
  FROM loose WHERE i.project_id = loose.project_id AND i.id = loose.id
RETURNING i.id, i.project_id

-- name: young_incidents
-- Unresolved incidents that were opened a moment ago and have no cause: one may have been missed.
SELECT id, project_id FROM watchkeeper.watchdog_incidents
 WHERE state <> 'resolved' AND cause_id IS NULL
   AND opened_at > watchkeeper.now() - make_interval(secs => %(seconds)s) AND opened_at <= watchkeeper.now()
 ORDER BY opened_at LIMIT %(limit)s

-- name: passing_incidents
-- Flapping incidents that have passed long enough without a finding.
SELECT project_id, id, rule, pass_evidence FROM watchkeeper.watchdog_incidents
 WHERE state <> 'resolved' AND is_flapping AND passing_since <= watchkeeper.now() - make_interval(secs => %(hold_seconds)s)
 ORDER BY passing_since LIMIT %(limit)s

-- name: find_incident
-- The rule and the state of one incident.
SELECT id, rule, state FROM watchkeeper.watchdog_incidents WHERE project_id = %(project_id)s AND id = %(id)s::uuid
