-- name: announce
-- Puts one alert into the outbox of every channel that carries the project's; one that is there already is left alone.
INSERT INTO watchkeeper.alerts (project_id, incident_id, dedup_key, group_key, severity, stage, channel, recipient, subject,
                                body, due_at, moment, facts)
SELECT r.project_id, %(incident_id)s::uuid, %(key)s, %(group_key)s::text, %(severity)s, %(stage)s, r.name, %(recipient)s,
       %(subject)s::text, %(body)s, watchkeeper.now(), %(moment)s, %(facts)s::text::jsonb
  FROM watchkeeper.alert_routes r
 WHERE r.project_id = %(project_id)s AND r.name IS DISTINCT FROM %(but)s::text
   AND (%(only)s::text[] IS NULL OR r.kind = 'console' OR r.name = ANY (%(only)s::text[])
        OR NOT EXISTS (SELECT FROM watchkeeper.alert_routes o
                        WHERE o.project_id = r.project_id AND o.name = ANY (%(only)s::text[])))
ON CONFLICT (project_id, dedup_key, channel, recipient) DO NOTHING
RETURNING id, channel

-- name: troubles
-- Open incidents that are no symptom (asked for by id, a symptom too), from a cursor on, with what was told of each, what
-- repairs came to, and whether none may run now. Whose cause is of a rule that nobody is told of stands for itself. A last
-- stage that is still on its way waits in the outbox: another watch must not tell the next one meanwhile.
SELECT i.project_id, i.id, i.rule, i.severity, i.state, i.next_action, i.cause, i.cause_id, i.job_id, i.evidence_ref, i.due_at,
       i.worker_id, i.kind, r.awaiting,
       coalesce(i.freed_at, i.opened_at) AS opened_at, i.acknowledged_until, i.quiet_until, i.is_flapping,
       i.is_mirrored, c.id IS NOT NULL AS is_symptom,
       CASE WHEN i.rule = 'lease_near_expiry' THEN (i.evidence ->> 'lease_expires_at')::timestamptz END AS ends_at,
       coalesce(r.is_held, false) OR NOT EXISTS (SELECT FROM watchkeeper.switches w WHERE w.name = 'actions' AND w.is_on) AS is_held,
       watchkeeper.now() AS now, s.external_id,
       coalesce(s.is_shadow, false) OR coalesce(p.force_shadow, false) AS is_shadow,
       coalesce(t.told, 0) AS told, t.told_at, coalesce(t.is_waiting, false) AS is_waiting,
       coalesce(r.failed, 0) AS failed_repairs, coalesce(r.awaits, false) AS awaits_approval,
       (SELECT count(*) FROM watchkeeper.watchdog_incidents y
         WHERE y.project_id = i.project_id AND y.cause_id = i.id AND y.state <> 'resolved') AS symptoms
  FROM watchkeeper.watchdog_incidents i
  LEFT JOIN watchkeeper.job_specs s ON s.project_id = i.project_id AND s.id = i.job_id
  LEFT JOIN watchkeeper.projects p ON p.project_id = i.project_id
  LEFT JOIN watchkeeper.watchdog_incidents c
    ON c.project_id IN (i.project_id, 'system') AND c.id = i.cause_id
   AND (c.severity = 'critical' OR c.rule <> ALL (%(unnotified)s::text[]))
  LEFT JOIN LATERAL (
    SELECT max(a.stage) + 1 AS told, max(coalesce(a.sent_at, a.dropped_at)) AS told_at,
           bool_or(a.sent_at IS NULL AND a.dropped_at IS NULL
                   AND a.held_reason IN ('quiet_hours', 'quiet_until', 'repair_under_way', 'grouped'))
             OR bool_and(a.sent_at IS NULL AND a.dropped_at IS NULL) FILTER (WHERE a.stage = a.last) AS is_waiting
      FROM (SELECT x.*, max(x.stage) OVER () AS last FROM watchkeeper.alerts x
             WHERE x.project_id = i.project_id AND x.incident_id = i.id) a) t ON true
  LEFT JOIN LATERAL (
    SELECT count(*) FILTER (WHERE x.result IN ('failed', 'needs_human')) AS failed,
           bool_or(x.state = 'proposed' AND x.authority IN ('supervisor', 'owner')) AS awaits,
           (array_agg(jsonb_build_object('id', x.id, 'action', x.action, 'digest', x.plan_digest, 'expires_at', x.expires_at)
                      ORDER BY x.id DESC) FILTER (WHERE x.state = 'proposed' AND x.authority IN ('supervisor', 'owner')))[1] AS awaiting,
           bool_or(x.state IN ('rejected', 'rolled_back', 'needs_human')
                   OR (x.state = 'proposed' AND x.plan IS NOT NULL AND x.plan ->> 'authority' IS NULL)
                   OR (x.state IN ('proposed', 'approved')
                       AND EXISTS (SELECT FROM watchkeeper.repair_breakers b
                                    WHERE b.project_id = x.project_id AND b.rule = x.trigger AND b.pool = x.pool
                                      AND b.tripped_at IS NOT NULL AND (b.reset_at IS NULL OR b.reset_at < b.tripped_at))))
             OR (array_agg(x.state ORDER BY x.id DESC))[1] = 'expired' AS is_held
      FROM watchkeeper.repair_actions x WHERE x.project_id = i.project_id AND x.incident_id = i.id) r ON true
 WHERE i.state <> 'resolved' AND (c.id IS NULL OR i.id = %(only)s::uuid)
   AND (i.project_id, i.id) > (%(after_project)s, %(after)s::uuid)
   AND (%(only)s::uuid IS NULL OR i.id = %(only)s::uuid)
   AND (NOT %(fresh)s::boolean OR i.opened_at > watchkeeper.now() - interval '10 seconds')
 ORDER BY i.project_id, i.id LIMIT %(limit)s

-- name: channel_address
-- What one channel needs to send: its whole address, and the key that its messages are signed with.
SELECT s.address, s.signing, s.secrets, c.settings
  FROM watchkeeper.alert_channels c
  LEFT JOIN watchkeeper.channel_secrets s ON s.project_id = c.project_id AND s.name = c.name
 WHERE c.project_id = %(project_id)s AND c.name = %(name)s

-- name: disable_channel
-- Turns a channel off that refused a message for good; no row where somebody did already.
WITH disabled AS (
  UPDATE watchkeeper.alert_channels
     SET is_on = false, disabled_at = watchkeeper.now(), disabled_reason = %(reason)s, failed_at = watchkeeper.now(),
         last_error = %(reason)s, changed_at = watchkeeper.now(), changed_by = 'system', change_reason = %(reason)s
   WHERE project_id = %(channel_project)s AND name = %(channel)s AND is_on
  RETURNING project_id, name, disabled_at
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, reason, data)
  SELECT project_id, 'channel_disabled', 'system', %(reason)s, jsonb_build_object('channel', name) FROM disabled
)
SELECT * FROM disabled

-- name: list_alerts
-- A project's alerts, the newest first, from a cursor on; those that wait, were sent or were dropped, where asked.
SELECT a.id, a.incident_id, a.severity, a.stage, a.channel, a.recipient, a.subject, a.body, a.created_at, a.due_at, a.attempts,
       a.moment, a.held_reason, a.last_error, a.tries, a.receipt, a.message_id, a.sent_at, a.dropped_at, a.drop_reason, a.acknowledged_at, a.acknowledged_by,
       EXISTS (SELECT FROM watchkeeper.watchdog_incidents i WHERE i.project_id = a.project_id AND i.id = a.incident_id
                  AND i.state <> 'resolved') AS is_open,
       CASE WHEN a.sent_at IS NOT NULL THEN 'sent' WHEN a.dropped_at IS NOT NULL THEN 'dropped' ELSE 'waiting' END AS state
  FROM watchkeeper.alerts a
 WHERE a.project_id = %(project_id)s
   AND (%(before)s::uuid IS NULL OR a.id < %(before)s::uuid)
   AND (%(id)s::uuid IS NULL OR a.id = %(id)s::uuid)
   AND (%(incident_id)s::uuid IS NULL OR a.incident_id = %(incident_id)s::uuid)
   AND (%(state)s::text IS NULL OR %(state)s::text
        = CASE WHEN a.sent_at IS NOT NULL THEN 'sent' WHEN a.dropped_at IS NOT NULL THEN 'dropped' ELSE 'waiting' END)
 ORDER BY a.id DESC LIMIT %(limit)s

-- name: acknowledge_alerts
-- Notes that a person has seen what was sent: one alert, or all of an incident.
WITH seen AS (
  UPDATE watchkeeper.alerts SET acknowledged_at = watchkeeper.now(), acknowledged_by = %(actor)s
   WHERE project_id = %(project_id)s AND sent_at IS NOT NULL AND acknowledged_at IS NULL
     AND (id = %(id)s OR incident_id = %(incident_id)s::uuid)
  RETURNING id, incident_id
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, reason, data)
  SELECT %(project_id)s, 'alert_acknowledged', %(actor)s, %(note)s,
         jsonb_build_object('alert_ids', jsonb_agg(id), 'incident_id', %(incident_id)s::uuid)
    FROM seen HAVING count(*) > 0
)
SELECT id FROM seen

-- name: dead_man_facts
-- Whether the watch may be called alive: its own ticks and the reaper's are young, and it does not call itself blind.
SELECT coalesce(watchkeeper.now() - least(r.last_tick_at, w.last_tick_at) < make_interval(secs => %(gap_seconds)s::float8), false)
       AND r.last_tick_at IS NOT NULL AND w.last_tick_at IS NOT NULL AND w.blind_since IS NULL
       AND NOT EXISTS (SELECT FROM watchkeeper.watchdog_incidents
                        WHERE rule = 'watchdog_blind' AND state <> 'resolved') AS ok
  FROM watchkeeper.reaper_state r CROSS JOIN watchkeeper.watchdog_state w

-- name: incident_is_there
-- Whether a project has an incident of that id, and whose symptom it is.
SELECT id, cause_id FROM watchkeeper.watchdog_incidents WHERE project_id = %(project_id)s AND id = %(id)s
