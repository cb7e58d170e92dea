-- name: keep_host_remediation
-- Keeps beside a repair what the host guard needs to know of it.
INSERT INTO watchkeeper.host_remediations (project_id, id, host, playbook, fingerprint, evidence_ref, packet)
VALUES (%(project_id)s, %(id)s::uuid, %(host)s, %(playbook)s, %(fingerprint)s, %(evidence_ref)s, %(packet)s::text::jsonb)

-- name: list_host_remediations
-- The acts of the host guard in a project, asked for, under way and over, the newest first.
SELECT r.id, r.host, r.playbook, r.fingerprint, r.evidence_ref, r.created_at, r.incident_id, r.window_id, r.began_at, r.sent_at,
       r.results, r.outcome, r.ended_at, r.recurred_at, r.recurred_as, a.state, a.plan_digest, a.actor, a.reason, a.note
  FROM watchkeeper.host_remediations r
  JOIN watchkeeper.repair_actions a ON a.project_id = r.project_id AND a.id = r.id
 WHERE r.project_id = %(project_id)s AND (%(before)s::uuid IS NULL OR r.id < %(before)s::uuid)
 ORDER BY r.id DESC LIMIT %(limit)s

-- name: show_host_remediation
-- One act of the host guard, with the repair that it is.
SELECT r.*, a.state, a.plan, a.plan_digest, a.actor, a.reason, a.note, a.asked_by_id
  FROM watchkeeper.host_remediations r
  JOIN watchkeeper.repair_actions a ON a.project_id = r.project_id AND a.id = r.id
 WHERE r.project_id = %(project_id)s AND r.id = %(id)s::uuid

-- name: host_incident_for
-- The incident that allows an act on a host: of that rule, unresolved, and of no other host; the oldest.
SELECT i.id, i.rule FROM watchkeeper.watchdog_incidents i
  LEFT JOIN watchkeeper.host_incidents h ON h.project_id = i.project_id AND h.incident_id = i.id
 WHERE i.project_id = %(project_id)s AND i.rule = %(rule)s::text AND i.state <> 'resolved'
   AND coalesce(h.host_id, i.evidence ->> 'host') = %(host)s::text
 ORDER BY i.id LIMIT 1

-- name: words_on_plan
-- Every approval of a repair, used or not, whatever its plan was.
SELECT id, actor, actor_id, plan_digest, created_at, expires_at, used_at IS NOT NULL AS is_used,
       withdrawn_at IS NOT NULL AS is_withdrawn
  FROM watchkeeper.approvals
 WHERE project_id = %(project_id)s AND repair_id = %(id)s::uuid AND decision = 'approved' AND actor_id IS NOT NULL
 ORDER BY id

-- name: lock_host
-- Lets one act at a time be judged and begun on a host, until this transaction ends.
SELECT pg_advisory_xact_lock(hashtextextended('watchkeeper host ' || %(host)s, 0))

-- name: host_gate_facts
-- What the gates of an act on a host are judged by, beside the words on it and the scan.
SELECT t.now,
       (SELECT w.id FROM watchkeeper.maintenance_windows w
         WHERE w.project_id = %(project_id)s AND w.closed_at IS NULL AND w.starts_at <= t.now AND w.ends_at > t.now
           AND (w.host_id IS NULL OR w.host_id = %(host)s) ORDER BY w.ends_at DESC LIMIT 1) AS window_id,
       (SELECT count(*)::int FROM watchkeeper.host_remediations r
         WHERE r.host = %(host)s AND r.began_at > t.now - interval '1 hour') AS runs_last_hour,
       (SELECT extract(epoch FROM t.now - max(r.began_at))::float8 FROM watchkeeper.host_remediations r
         WHERE r.host = %(host)s AND r.began_at IS NOT NULL AND r.fingerprint = %(fingerprint)s) AS since_last,
       EXISTS (SELECT FROM watchkeeper.host_remediations r
                WHERE r.host = %(host)s AND r.began_at IS NOT NULL AND r.ended_at IS NULL) AS is_one_under_way,
       EXISTS (SELECT FROM watchkeeper.repair_breakers b
                WHERE b.project_id = %(project_id)s AND b.rule = %(trigger)s AND b.pool = %(host)s AND b.tripped_at IS NOT NULL
                  AND (b.reset_at IS NULL OR b.reset_at < b.tripped_at)) AS is_tripped
  FROM (SELECT watchkeeper.now() AS now) t

-- name: begin_host_remediation
-- Writes down that an act begins, with what it is held against later, and when; before anything is sent.
WITH begun AS (
  UPDATE watchkeeper.host_remediations r
     SET began_at = t.now, incident_id = %(incident_id)s::uuid, window_id = %(window_id)s::uuid,
         gates = %(gates)s::text::jsonb, watched = %(watched)s::text::jsonb
    FROM (SELECT watchkeeper.now() AS now) t
   WHERE r.project_id = %(project_id)s AND r.id = %(id)s::uuid AND r.began_at IS NULL
  RETURNING r.project_id, r.id, r.began_at
)
INSERT INTO watchkeeper.host_post_checks (project_id, remediation_id, number, due_at)
SELECT b.project_id, b.id, d.number, b.began_at + make_interval(secs => d.seconds)
  FROM begun b CROSS JOIN unnest(%(post_checks)s::float8[]) WITH ORDINALITY AS d (seconds, number)
RETURNING number, due_at

-- name: keep_host_results
-- Keeps what came of each target, with a row in the audit trail for each.
WITH kept AS (
  UPDATE watchkeeper.host_remediations r
     SET results = %(results)s::text::jsonb, sent_at = CASE WHEN %(is_sent)s THEN watchkeeper.now() END
   WHERE r.project_id = %(project_id)s AND r.id = %(id)s::uuid AND r.results IS NULL
  RETURNING r.*
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, data)
  SELECT k.project_id, CASE WHEN e.came ->> 'came' = 'sent' THEN 'host_signal_sent' ELSE 'host_signal_not_sent' END,
         %(actor)s, jsonb_build_object('repair_id', k.id, 'host', k.host, 'incident_id', k.incident_id) || e.came
    FROM kept k CROSS JOIN jsonb_array_elements(k.results) AS e (came)
)
SELECT * FROM kept

-- name: audit_host_refusal
-- Keeps that an act was refused, with every gate, met or not.
INSERT INTO watchkeeper.audit_events (project_id, event, actor, data)
VALUES (%(project_id)s, 'host_remediation_refused', %(actor)s,
        jsonb_build_object('repair_id', %(id)s::uuid, 'host', %(host)s::text, 'gates', %(gates)s::text::jsonb))

-- name: approved_host_remediations
-- What may be acted on this host now, as far as its words go.
SELECT r.project_id, r.id FROM watchkeeper.host_remediations r
  JOIN watchkeeper.repair_actions a ON a.project_id = r.project_id AND a.id = r.id
 WHERE r.host = %(host)s AND r.began_at IS NULL AND a.state = 'approved' AND a.expires_at > (SELECT watchkeeper.now())
 ORDER BY r.id LIMIT %(limit)s

-- name: due_post_checks
-- Looks that are due on this host, and those of other hosts that nobody came to for so long that there is no data.
SELECT c.project_id, c.remediation_id, c.number, r.host, r.host <> %(host)s AS is_given_up
  FROM watchkeeper.host_post_checks c
  JOIN watchkeeper.host_remediations r ON r.project_id = c.project_id AND r.id = c.remediation_id
 WHERE c.done_at IS NULL
   AND c.due_at <= (SELECT watchkeeper.now())
                   - make_interval(secs => CASE WHEN r.host = %(host)s THEN 0 ELSE %(patience)s::float8 END)
 ORDER BY c.due_at, c.number LIMIT %(limit)s

-- name: lock_post_check
-- Takes one look in hand; no row where another has it, or where it is done.
SELECT c.*, r.watched, r.host, extract(epoch FROM watchkeeper.now() - c.due_at)::float8 AS late
  FROM watchkeeper.host_post_checks c
  JOIN watchkeeper.host_remediations r ON r.project_id = c.project_id AND r.id = c.remediation_id
 WHERE c.project_id = %(project_id)s AND c.remediation_id = %(remediation_id)s::uuid AND c.number = %(number)s
   AND c.done_at IS NULL
   FOR UPDATE OF c SKIP LOCKED

-- name: write_post_check
-- Writes down what a look came to, with its audit row.
WITH done AS (
  UPDATE watchkeeper.host_post_checks c
     SET done_at = watchkeeper.now(), outcome = %(outcome)s, facts = %(facts)s::text::jsonb
   WHERE c.project_id = %(project_id)s AND c.remediation_id = %(remediation_id)s::uuid AND c.number = %(number)s
     AND c.done_at IS NULL
  RETURNING c.*
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, data)
  SELECT project_id, 'host_post_check', 'system',
         jsonb_build_object('repair_id', remediation_id, 'number', number, 'outcome', outcome, 'facts', facts) FROM done
)
SELECT number FROM done

-- name: post_checks_of
-- Every look after an act, done or to come.
SELECT number, due_at, done_at, outcome, facts FROM watchkeeper.host_post_checks
 WHERE project_id = %(project_id)s AND remediation_id = %(remediation_id)s::uuid ORDER BY number

-- name: drop_post_checks
-- Calls off the looks of an act that sent nothing.
UPDATE watchkeeper.host_post_checks SET done_at = watchkeeper.now(), outcome = 'superseded'
 WHERE project_id = %(project_id)s AND remediation_id = %(remediation_id)s::uuid AND done_at IS NULL

-- name: lock_host_remediation
-- Takes an act in hand, with its repair and its incident; waits for whoever has it.
SELECT r.*, a.state, a.result, a.plan, a.plan_digest, a.actor, a.action, a.trigger, a.reason, a.asked_by_id, a.note, a.job_id,
       i.rule AS incident_rule, i.state AS incident_state, i.owner AS incident_owner, i.opened_at AS incident_opened_at,
       watchkeeper.now() AS now
  FROM watchkeeper.host_remediations r
  JOIN watchkeeper.repair_actions a ON a.project_id = r.project_id AND a.id = r.id
  LEFT JOIN watchkeeper.watchdog_incidents i ON i.project_id = r.project_id AND i.id = r.incident_id
 WHERE r.project_id = %(project_id)s AND r.id = %(id)s::uuid
   FOR UPDATE OF a, r

-- name: end_host_remediation
-- Writes down what an act came to.
UPDATE watchkeeper.host_remediations SET outcome = %(outcome)s, ended_at = watchkeeper.now()
 WHERE project_id = %(project_id)s AND id = %(id)s::uuid AND ended_at IS NULL
RETURNING ended_at

-- name: trip_host_breaker
-- Trips the breaker of a rule on a host: after harm at once, or when none of its last three acts there was verified.
WITH lately AS MATERIALIZED (
  SELECT r.outcome FROM watchkeeper.host_remediations r
   WHERE r.project_id = %(project_id)s AND r.host = %(host)s AND r.outcome IS NOT NULL AND r.outcome <> 'superseded'
   ORDER BY r.ended_at DESC LIMIT 3
), tripped AS (
  INSERT INTO watchkeeper.repair_breakers (project_id, rule, pool, tripped_at, attempts)
  SELECT %(project_id)s, %(trigger)s, %(host)s, watchkeeper.now(), count(*)::int FROM lately
  HAVING bool_or(outcome = 'harmful') OR (count(*) = 3 AND bool_and(outcome <> 'verified'))
  ON CONFLICT (project_id, rule, pool) DO UPDATE SET tripped_at = excluded.tripped_at, attempts = excluded.attempts
  RETURNING rule, pool, attempts
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, data)
  SELECT %(project_id)s, 'breaker_tripped', 'system', jsonb_build_object('rule', rule, 'pool', pool, 'attempts', attempts)
    FROM tripped
)
SELECT rule FROM tripped

-- name: write_host_assets
-- Writes the five assets of an incident, all of them or none; a later act on it says them anew.
WITH given AS (
  SELECT e.key AS asset, e.value AS fields FROM jsonb_each(%(assets)s::text::jsonb) e
), written AS (
  INSERT INTO watchkeeper.host_assets (project_id, incident_id, asset, fields, remediation_id, written_by)
  SELECT %(project_id)s, %(incident_id)s::uuid, asset, fields, %(remediation_id)s::uuid, %(actor)s FROM given
  ON CONFLICT (project_id, incident_id, asset)
     DO UPDATE SET fields = excluded.fields, remediation_id = excluded.remediation_id, written_by = excluded.written_by,
                   written_at = watchkeeper.now()
  RETURNING asset
), told AS (
  UPDATE watchkeeper.host_incidents SET assets_written_at = watchkeeper.now()
   WHERE project_id = %(project_id)s AND incident_id = %(incident_id)s::uuid
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, reason, data)
  SELECT %(project_id)s, 'host_assets_written', %(actor)s, %(reason)s::text,
         jsonb_build_object('incident_id', %(incident_id)s::uuid, 'repair_id', %(remediation_id)s::uuid,
                            'assets', %(assets)s::text::jsonb)
)
SELECT asset FROM written ORDER BY asset

-- name: host_assets_of
-- The assets of an incident.
SELECT asset, fields, remediation_id, written_by, written_at FROM watchkeeper.host_assets
 WHERE project_id = %(project_id)s AND incident_id = %(incident_id)s::uuid ORDER BY asset

-- name: host_playbook_trust
-- What the acts of each playbook in a project came to. A verified one that came back counts as ineffective.
SELECT playbook, count(*)::int AS runs,
       count(*) FILTER (WHERE outcome = 'verified' AND recurred_at IS NULL)::int AS verified,
       count(*) FILTER (WHERE outcome IN ('ineffective', 'no_data') OR (outcome = 'verified' AND recurred_at IS NOT NULL))::int
         AS ineffective,
       count(*) FILTER (WHERE outcome = 'harmful')::int AS harmful,
       count(*) FILTER (WHERE outcome = 'harmful' AND ended_at > (SELECT watchkeeper.now()) - interval '90 days')::int
         AS harmful_lately
  FROM watchkeeper.host_remediations
 WHERE project_id = %(project_id)s AND outcome IS NOT NULL AND outcome <> 'superseded'
 GROUP BY playbook ORDER BY playbook

-- name: note_host_recurrences
-- Marks acts whose incident opened again within the guard's days: the new incident is made graver, and trust goes down.
WITH back AS MATERIALIZED (
  SELECT DISTINCT ON (r.project_id, r.id) r.project_id, r.id, n.id AS incident_id, n.severity
    FROM watchkeeper.host_remediations r
    JOIN watchkeeper.watchdog_incidents i ON i.project_id = r.project_id AND i.id = r.incident_id
    JOIN watchkeeper.watchdog_incidents n
      ON n.project_id = i.project_id AND n.rule = i.rule AND n.fingerprint = i.fingerprint AND n.id <> i.id
     AND n.opened_at > r.ended_at AND n.opened_at <= r.ended_at + make_interval(days => %(days)s)
   WHERE r.outcome = 'verified' AND r.recurred_at IS NULL
     AND r.ended_at > (SELECT watchkeeper.now()) - make_interval(days => 2 * %(days)s)
   ORDER BY r.project_id, r.id, n.opened_at
   LIMIT %(limit)s
), marked AS (
  UPDATE watchkeeper.host_remediations r SET recurred_at = watchkeeper.now(), recurred_as = b.incident_id
    FROM back b WHERE r.project_id = b.project_id AND r.id = b.id AND r.recurred_at IS NULL
  RETURNING r.project_id, r.id, r.playbook, b.incident_id
), raised AS (
  UPDATE watchkeeper.watchdog_incidents n SET severity = 'critical'
    FROM marked m WHERE n.project_id = m.project_id AND n.id = m.incident_id AND n.state <> 'resolved'
  RETURNING n.id
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, data)
  SELECT project_id, 'host_incident_recurred', 'system',
         jsonb_build_object('incident_id', incident_id, 'repair_id', id, 'playbook', playbook) FROM marked
)
SELECT project_id, id, incident_id FROM marked

-- name: host_incident_to_write_back
-- An incident of a host with what is last known of the host, locked; no row for one of another rule.
SELECT i.id, i.rule, i.owner, i.state, i.evidence, i.fingerprint, watchkeeper.now() AS now,
       coalesce(h.lane, 'report_only') AS lane,
       (SELECT to_jsonb(r) - 'groups' - 'project_id' FROM watchkeeper.host_readings r
         WHERE r.project_id = i.project_id AND r.host_id = h.host_id ORDER BY r.day DESC LIMIT 1) AS reading,
       EXISTS (SELECT FROM watchkeeper.host_assets a
                WHERE a.project_id = i.project_id AND a.incident_id = i.id) AS is_written
  FROM watchkeeper.watchdog_incidents i
  LEFT JOIN watchkeeper.host_incidents h ON h.project_id = i.project_id AND h.incident_id = i.id
 WHERE i.project_id = %(project_id)s AND i.id = %(id)s::uuid AND i.rule = ANY (%(rules)s::text[])
   FOR UPDATE OF i
