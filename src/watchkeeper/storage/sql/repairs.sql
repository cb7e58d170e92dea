-- name: incidents_to_repair
-- Open incidents that a repair or an escalation is due for, with what was tried, each project in its turn; not those that a
-- person called right for now, a symptom of another, in a person's hands, a repair's own effect, or passed over a moment ago.
SELECT due.* FROM (
SELECT i.project_id, i.id, i.rule, i.state, i.severity, i.job_id, i.worker_id, i.evidence, i.cause, i.fingerprint, i.opened_at,
       i.kind, i.is_mirrored, i.is_hearsay, tried.attempts, tried.seconds_since, tried.is_vetoed,
       extract(epoch FROM (SELECT watchkeeper.now()) - i.opened_at)::float8 AS age_seconds,
       row_number() OVER (PARTITION BY i.project_id ORDER BY i.id) AS turn
  FROM watchkeeper.watchdog_incidents i
  JOIN unnest(%(rules)s::text[], %(attempts)s::int[], %(afterwards)s::float8[]) AS l (rule, attempts, afterwards)
    ON l.rule = i.rule
 CROSS JOIN LATERAL (
   SELECT count(*) FILTER (WHERE r.attempted_at IS NOT NULL)::int AS attempts,
          extract(epoch FROM (SELECT watchkeeper.now()) - max(r.ended_at) FILTER (WHERE r.attempted_at IS NOT NULL))::float8
            AS seconds_since,
          coalesce(bool_or(r.state IN ('rejected', 'rolled_back', 'needs_human')), false) AS is_vetoed,
          coalesce(bool_or(r.state IN ('proposed', 'approved', 'executing')), false) AS is_under_way
     FROM watchkeeper.repair_actions r
    WHERE r.project_id = i.project_id AND r.incident_id = i.id) tried
 WHERE (i.state IN ('open', 'acknowledged', 'repairing', 'verifying') OR (i.state = 'needs_human' AND tried.attempts = 0))
   AND i.cause_id IS NULL AND i.caused_by_repair IS NULL
   AND (i.quiet_until IS NULL OR i.quiet_until <= (SELECT watchkeeper.now()))
   AND NOT tried.is_under_way AND NOT tried.is_vetoed
   AND (tried.seconds_since IS NULL OR tried.seconds_since >= %(verify_seconds)s)
   AND (tried.attempts < l.attempts OR tried.seconds_since >= l.afterwards)
   AND i.id <> ALL (%(passed_over)s::uuid[])
) due ORDER BY due.turn, due.id LIMIT %(limit)s

-- name: lock_incident
-- Locks an incident while its repair is planned, so that of several watchdogs one plans; no row where another does.
SELECT i.id FROM watchkeeper.watchdog_incidents i
 WHERE i.project_id = %(project_id)s AND i.id = %(id)s::uuid AND i.state IN ('open', 'acknowledged', 'repairing', 'verifying', 'needs_human')
   AND NOT EXISTS (SELECT FROM watchkeeper.repair_actions r
                    WHERE r.project_id = i.project_id AND r.incident_id = i.id
                      AND r.state IN ('proposed', 'approved', 'executing'))
   FOR UPDATE OF i SKIP LOCKED

-- name: propose_repair
-- Writes a planned repair down.
WITH made AS (
  INSERT INTO watchkeeper.repair_actions (project_id, incident_id, job_id, worker_id, kind, pool, trigger, action, authority,
                                          actor, on_behalf_of, asked_by_id, asker_minted_by, reason, note, plan, plan_digest,
                                          policy_version, policy_digest)
  VALUES (%(project_id)s, %(incident_id)s::uuid, %(job_id)s::uuid, %(worker_id)s::text, %(kind)s::text, %(pool)s, %(trigger)s,
          %(action)s, %(authority)s, %(actor)s, %(on_behalf_of)s::text, %(asked_by_id)s::uuid, %(asker_minted_by)s::uuid,
          %(reason)s, %(note)s::text, %(plan)s::text::jsonb, %(plan_digest)s, %(policy_version)s, %(policy_digest)s)
  RETURNING *
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, on_behalf_of, job_seq, reason, data)
  SELECT m.project_id, 'repair_proposed', m.actor, m.on_behalf_of, s.seq, m.reason,
         jsonb_build_object('repair_id', m.id, 'action', m.action, 'trigger', m.trigger, 'incident_id', m.incident_id,
                            'plan_digest', m.plan_digest, 'authority', m.authority, 'note', m.note)
    FROM made m LEFT JOIN watchkeeper.job_specs s ON s.project_id = m.project_id AND s.id = m.job_id
)
SELECT * FROM made

-- name: lock_repair
-- Locks one repair, waiting for whoever decides it just now.
SELECT r.*, i.rule AS incident_rule, i.state AS incident_state, i.cause AS incident_cause, i.evidence AS incident_evidence,
       i.fingerprint AS incident_fingerprint, coalesce(i.is_hearsay, false) AS incident_is_hearsay, watchkeeper.now() AS now
  FROM watchkeeper.repair_actions r
  LEFT JOIN watchkeeper.watchdog_incidents i ON i.project_id = r.project_id AND i.id = r.incident_id
 WHERE r.project_id = %(project_id)s AND r.id = %(id)s::uuid
   FOR UPDATE OF r

-- name: lock_actionable_repair
-- The same for the duty: no row where somebody else has it in hand.
SELECT r.*, i.rule AS incident_rule, i.state AS incident_state, i.cause AS incident_cause, i.evidence AS incident_evidence,
       i.fingerprint AS incident_fingerprint, coalesce(i.is_hearsay, false) AS incident_is_hearsay, watchkeeper.now() AS now
  FROM watchkeeper.repair_actions r
  LEFT JOIN watchkeeper.watchdog_incidents i ON i.project_id = r.project_id AND i.id = r.incident_id
 WHERE r.project_id = %(project_id)s AND r.id = %(id)s::uuid AND r.state = ANY (%(states)s::text[])
   FOR UPDATE OF r SKIP LOCKED

-- name: actionable_repairs
-- Repairs that can be moved on without a person, each project in its turn, those that are free to act first: allowed ones,
-- unless they are known to wait for a breaker, and those whose incident is over or whose policy changed.
SELECT due.* FROM (
SELECT r.project_id, r.id, r.state,
       row_number() OVER (PARTITION BY r.project_id ORDER BY is_free.yes DESC, r.id) AS turn
  FROM watchkeeper.repair_actions r
  LEFT JOIN watchkeeper.watchdog_incidents i ON i.project_id = r.project_id AND i.id = r.incident_id
  LEFT JOIN watchkeeper.repair_breakers b ON b.project_id = r.project_id AND b.rule = r.trigger AND b.pool = r.pool
 CROSS JOIN LATERAL (
   SELECT (r.state = 'approved' OR coalesce(r.plan ->> 'authority' = 'system', false)) AND r.action <> 'end_orphan'
          AND NOT (coalesce(b.tripped_at IS NOT NULL AND (b.reset_at IS NULL OR b.reset_at < b.tripped_at), false)
                   AND coalesce(starts_with(r.note, %(tripped_note)s), false)) AS yes) is_free
 WHERE r.state IN ('proposed', 'approved')
   AND (is_free.yes OR i.state = 'resolved' OR r.expires_at <= (SELECT watchkeeper.now())
        OR (r.asked_by_id IS NULL AND r.policy_digest IS DISTINCT FROM %(policy_digest)s))
   AND r.id <> ALL (%(passed_over)s::uuid[])
) due ORDER BY due.turn, due.id LIMIT %(limit)s

-- name: executing_repairs
-- Repairs that were begun and whose effect may be seen now, or is overdue; each project in its turn. Not those that wait for a
-- renewal or a touch while none came: nobody needs to lock and to ask for them one by one. An act of the host guard is looked
-- at by the host guard.
SELECT due.* FROM (
SELECT r.project_id, r.id, row_number() OVER (PARTITION BY r.project_id ORDER BY r.due_at, r.id) AS turn
  FROM watchkeeper.repair_actions r
  LEFT JOIN watchkeeper.watchdog_incidents i ON i.project_id = r.project_id AND i.id = r.incident_id
 CROSS JOIN LATERAL (
   SELECT CASE r.action
     WHEN 'retouch' THEN NOT EXISTS (
       SELECT FROM watchkeeper.worker_heartbeats h
        WHERE h.project_id = r.project_id AND h.worker_id = r.plan #>> '{target,id}' AND h.created_at > r.attempted_at)
     WHEN 'ask_renewal' THEN EXISTS (
       SELECT FROM watchkeeper.job_specs s
         LEFT JOIN watchkeeper.leases l ON l.project_id = s.project_id AND l.seq = s.seq
         LEFT JOIN watchkeeper.foreign_leases f ON f.project_id = s.project_id AND f.seq = s.seq AND f.ended_at IS NULL
        WHERE s.project_id = r.project_id AND s.id = r.job_id
          AND coalesce(l.renewed_at, f.received_at) <= r.attempted_at)
     ELSE false END AS yes) still
 WHERE r.state = 'executing' AND r.action <> 'end_orphan'
   AND (r.due_at <= (SELECT watchkeeper.now()) OR i.state = 'resolved' OR (r.action = ANY (%(looked_at)s::text[]) AND NOT still.yes)
        OR (r.action = ANY (%(of_the_lease)s::text[]) AND NOT EXISTS (
              SELECT FROM watchkeeper.job_specs s
                LEFT JOIN watchkeeper.leases l ON l.project_id = s.project_id AND l.seq = s.seq
                LEFT JOIN watchkeeper.foreign_leases f ON f.project_id = s.project_id AND f.seq = s.seq AND f.ended_at IS NULL
               WHERE s.project_id = r.project_id AND s.id = r.job_id AND coalesce(l.worker_id, f.worker_id) = r.worker_id)))
   AND r.id <> ALL (%(passed_over)s::uuid[])
) due ORDER BY due.turn, due.id LIMIT %(limit)s

-- name: move_repair
-- Moves a repair from one state to another, with its audit row; no row where it stands elsewhere.
WITH clock AS MATERIALIZED (
  SELECT watchkeeper.now() AS now
), moved AS (
  UPDATE watchkeeper.repair_actions r
     SET state = %(to_state)s, result = %(result)s::text,
         note = coalesce(%(note)s::text, r.note),
         old_state = coalesce(%(old_state)s::text::jsonb, r.old_state),
         new_state = coalesce(%(new_state)s::text::jsonb, r.new_state),
         output = coalesce(%(output)s::text, r.output), output_hash = coalesce(%(output_hash)s::text, r.output_hash),
         attempted_at = CASE WHEN %(to_state)s = 'executing' THEN clock.now ELSE r.attempted_at END,
         due_at = coalesce(clock.now + make_interval(secs => %(due_seconds)s::float8), r.due_at),
         expires_at = CASE WHEN %(to_state)s = 'proposed' THEN NULL ELSE coalesce(%(expires_at)s::timestamptz, r.expires_at) END,
         ended_at = CASE WHEN %(to_state)s IN ('proposed', 'approved', 'executing') THEN NULL
                         WHEN %(to_state)s = 'rolled_back' THEN r.ended_at ELSE clock.now END,
         undone_by = CASE WHEN %(to_state)s = 'rolled_back' THEN %(actor)s ELSE r.undone_by END,
         undone_at = CASE WHEN %(to_state)s = 'rolled_back' THEN clock.now ELSE r.undone_at END,
         undo_reason = CASE WHEN %(to_state)s = 'rolled_back' THEN %(reason)s::text ELSE r.undo_reason END,
         undo_state = coalesce(%(undo_state)s::text::jsonb, r.undo_state)
    FROM clock
   WHERE r.project_id = %(project_id)s AND r.id = %(id)s::uuid AND r.state = ANY (%(from_states)s::text[])
  RETURNING r.*
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, on_behalf_of, job_seq, reason, data, output_hash)
  SELECT m.project_id, %(event)s, %(actor)s, m.on_behalf_of, s.seq, coalesce(%(reason)s::text, m.note),
         jsonb_strip_nulls(jsonb_build_object('repair_id', m.id, 'action', m.action, 'trigger', m.trigger,
                                              'incident_id', m.incident_id, 'plan_digest', m.plan_digest,
                                              'authority', m.authority, 'old_state', %(old_state)s::text::jsonb,
                                              'new_state', %(new_state)s::text::jsonb)), m.output_hash
    FROM moved m LEFT JOIN watchkeeper.job_specs s ON s.project_id = m.project_id AND s.id = m.job_id
)
SELECT * FROM moved

-- name: note_repair
-- Says why a repair waits; no row where that was said already.
UPDATE watchkeeper.repair_actions SET note = %(note)s
 WHERE project_id = %(project_id)s AND id = %(id)s::uuid AND note IS DISTINCT FROM %(note)s
RETURNING id

-- name: actions_switch
-- Reads the switch of all actions, and keeps it as it is until this transaction ends.
SELECT is_on, reason FROM watchkeeper.switches WHERE name = 'actions' FOR SHARE

-- name: claims_switch
-- The same for the switch of all claims: an undo that hands out a lease is one.
SELECT is_on, reason FROM watchkeeper.switches WHERE name = 'claims' FOR SHARE

-- name: other_executing_repair
-- A repair that changes the same job, was begun and is not over.
SELECT id FROM watchkeeper.repair_actions
 WHERE project_id = %(project_id)s AND job_id = %(job_id)s::uuid AND state = 'executing' AND id <> %(id)s::uuid
   AND action = ANY (%(changing)s::text[])

-- name: seconds_since_attempt
-- Seconds since the same rule last acted on the same target; NULL where it has not within the time to cool down.
SELECT extract(epoch FROM (SELECT watchkeeper.now()) - max(attempted_at))::float8 AS seconds
  FROM watchkeeper.repair_actions
 WHERE project_id = %(project_id)s AND trigger = %(trigger)s AND id <> %(id)s::uuid
   AND attempted_at > (SELECT watchkeeper.now()) - make_interval(secs => %(cool_down_seconds)s)
   AND plan -> 'target' = %(target)s::text::jsonb

-- name: repair_before_incident
-- The last repair of another rule that changed this job or worker shortly before: the incident is its effect.
SELECT r.id FROM watchkeeper.repair_actions r
 WHERE r.project_id = %(project_id)s AND r.plan IS NOT NULL AND r.trigger <> %(rule)s AND r.action = ANY (%(changing)s::text[])
   AND r.state IN ('succeeded', 'rolled_back')
   AND CASE WHEN %(job_id)s::uuid IS NOT NULL THEN r.job_id = %(job_id)s::uuid
            WHEN %(worker_id)s::text IS NOT NULL THEN r.worker_id = %(worker_id)s::text
            ELSE r.plan -> 'target' = jsonb_build_object('what', 'kind', 'id', %(kind)s::text) END
   AND coalesce(r.undone_at, r.ended_at) BETWEEN %(opened_at)s::timestamptz - make_interval(secs => %(seconds)s)
                                             AND %(opened_at)s::timestamptz
 ORDER BY r.id DESC LIMIT 1

-- name: attempts_at_incident
-- How often an incident's repair was tried.
SELECT count(*)::int AS attempts FROM watchkeeper.repair_actions
 WHERE project_id = %(project_id)s AND incident_id = %(incident_id)s::uuid AND attempted_at IS NOT NULL

-- name: list_repairs
-- Repairs, the newest first, from a cursor on; reapings only when they are asked for.
SELECT r.id, r.state, r.result, r.trigger, r.action, r.authority, r.actor, r.job_id, r.worker_id, r.kind, r.pool,
       r.incident_id, r.reason, r.note, r.plan_digest, r.created_at, r.ended_at, r.expires_at, r.due_at,
       r.plan -> 'target' AS target, r.plan ->> 'undo' AS undo, r.plan ->> 'blast_radius' AS blast_radius
  FROM watchkeeper.repair_actions r
 WHERE r.project_id = %(project_id)s AND (%(state)s::text IS NULL OR r.state = %(state)s::text)
   AND (r.plan IS NOT NULL OR %(action)s::text = r.action)
   AND (%(action)s::text IS NULL OR r.action = %(action)s::text)
   AND (%(before)s::uuid IS NULL OR r.id < %(before)s::uuid)
 ORDER BY r.id DESC LIMIT %(limit)s

-- name: find_repair
-- One repair with its plan and what came of it.
SELECT r.* FROM watchkeeper.repair_actions r WHERE r.project_id = %(project_id)s AND r.id = %(id)s::uuid

-- name: let_go_job
-- A row where a job goes on without this worker: its own queue has no lease of it, or a foreign one was told to be over.
SELECT s.id FROM watchkeeper.job_specs s
 WHERE s.project_id = %(project_id)s AND s.id = %(job_id)s::uuid
   AND NOT EXISTS (SELECT FROM watchkeeper.job_outcomes o WHERE o.project_id = s.project_id AND o.seq = s.seq)
   AND NOT EXISTS (SELECT FROM watchkeeper.leases l
                    WHERE l.project_id = s.project_id AND l.seq = s.seq AND l.worker_id = %(worker_id)s)
   AND NOT EXISTS (SELECT FROM watchkeeper.foreign_leases f
                    WHERE f.project_id = s.project_id AND f.seq = s.seq AND f.worker_id = %(worker_id)s AND f.ended_at IS NULL)
   AND (s.origin = 'own' OR EXISTS (SELECT FROM watchkeeper.foreign_leases f
                                     WHERE f.project_id = s.project_id AND f.seq = s.seq AND f.ended_at >= %(since)s::timestamptz))

-- name: asked_of_worker
-- What a worker is asked to do, and has not shown yet; of a job of the own queue that it lets go it is asked no more.
SELECT r.id AS repair, r.action, r.job_id AS job, s.external_id, r.due_at FROM watchkeeper.repair_actions r
  LEFT JOIN LATERAL (SELECT * FROM watchkeeper.job_specs x
                      WHERE x.project_id = r.project_id AND x.id = r.job_id LIMIT 1) s ON true
 WHERE r.project_id = %(project_id)s AND r.worker_id = %(worker_id)s AND r.state = 'executing' AND r.action = ANY (%(actions)s::text[])
   AND (%(job_id)s::uuid IS NULL OR r.job_id = %(job_id)s::uuid)
   AND (s.origin IS DISTINCT FROM 'own' OR r.action <> ALL (%(of_the_lease)s::text[])
        OR EXISTS (SELECT FROM watchkeeper.leases l
                    WHERE l.project_id = s.project_id AND l.seq = s.seq AND l.worker_id = r.worker_id))
 ORDER BY r.id LIMIT 20

-- name: asked_of_handlers
-- What the holder of jobs that are done in its own process is asked to do at them, and has not shown yet.
SELECT r.id::text AS repair, r.action, r.job_id::text AS job, r.due_at FROM watchkeeper.repair_actions r
 WHERE r.project_id = %(project_id)s AND r.worker_id = %(worker_id)s AND r.state = 'executing' AND r.job_id IS NOT NULL
   AND r.action IN ('retry_command', 'publish_artifact', 'repair_contract')
 ORDER BY r.id LIMIT 100

-- name: mark_repair_effect
-- Marks an incident as the effect of a repair, so that none follows from it.
WITH marked AS (
  UPDATE watchkeeper.watchdog_incidents SET caused_by_repair = %(repair_id)s::uuid
   WHERE project_id = %(project_id)s AND id = %(id)s::uuid AND caused_by_repair IS NULL
  RETURNING id, rule
)
INSERT INTO watchkeeper.audit_events (project_id, event, actor, data)
SELECT %(project_id)s, 'repair_effect_marked', 'system',
       jsonb_build_object('incident_id', id, 'rule', rule, 'repair_id', %(repair_id)s::text) FROM marked

-- name: move_incident
-- Moves an incident as its repair goes on; no row where it is in a state from which it may not.
WITH moved AS (
  UPDATE watchkeeper.watchdog_incidents i SET state = %(to_state)s
   WHERE i.project_id = %(project_id)s AND i.id = %(id)s::uuid AND i.state = ANY (%(from_states)s::text[])
     AND i.state <> %(to_state)s
  RETURNING i.id, i.rule, i.job_id
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, job_seq, reason, data)
  SELECT %(project_id)s, 'incident_moved', 'system', s.seq, %(reason)s,
         jsonb_build_object('incident_id', m.id, 'rule', m.rule, 'state', %(to_state)s::text)
    FROM moved m LEFT JOIN watchkeeper.job_specs s ON s.project_id = %(project_id)s AND s.id = m.job_id
)
SELECT id FROM moved

-- name: await_effect
-- Notes what a begun repair waits for, and until when.
UPDATE watchkeeper.repair_actions
   SET due_at = watchkeeper.now() + make_interval(secs => %(due_seconds)s), note = %(note)s, output = %(output)s,
       output_hash = encode(sha256(convert_to(%(output)s, 'UTF8')), 'hex')
 WHERE project_id = %(project_id)s AND id = %(id)s::uuid

-- name: rule_of_incident
-- The rule of an incident.
SELECT rule FROM watchkeeper.watchdog_incidents WHERE project_id = %(project_id)s AND id = %(id)s::uuid

-- name: mark_hearsay
-- Keeps the system's own authority off an incident that only a worker told of.
UPDATE watchkeeper.watchdog_incidents SET is_hearsay = true
 WHERE project_id = %(project_id)s AND id = %(id)s::uuid AND NOT is_hearsay
