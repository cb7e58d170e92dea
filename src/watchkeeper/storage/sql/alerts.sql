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
-- repairs came to, and whether none may run now. Whose cause is of a rule that nobody is told of stands for itself.
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
             OR bool_and(a.sent_at IS NULL AND a.dropped_at IS NULL) AS is_waiting
      FROM watchkeeper.alerts a WHERE a.project_id = i.project_id AND a.incident_id = i.id) t ON true
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

-- name: outbox_look
-- In how many seconds the next alert is due on a channel that is not busy, and whether an incident is new.
SELECT (SELECT extract(epoch FROM min(a.due_at) - watchkeeper.now())::float8 FROM watchkeeper.alerts a
          LEFT JOIN watchkeeper.alert_routes r ON r.project_id = a.project_id AND r.name = a.channel
         WHERE a.sent_at IS NULL AND a.dropped_at IS NULL
           AND (coalesce(r.channel_project, a.project_id), a.channel)
               NOT IN (SELECT b.project_id, b.name FROM unnest(%(projects)s::text[], %(names)s::text[]) AS b (project_id, name))) AS seconds,
       EXISTS (SELECT FROM watchkeeper.watchdog_incidents
                WHERE opened_at > (SELECT watchkeeper.now()) - interval '10 seconds' AND state <> 'resolved') AS is_fresh

-- name: channels_due
-- The channels for which something is due, and those on which a card shows what is so no more.
SELECT DISTINCT coalesce(r.channel_project, a.project_id) AS project_id, a.channel AS name
  FROM watchkeeper.alerts a
  LEFT JOIN watchkeeper.alert_routes r ON r.project_id = a.project_id AND r.name = a.channel
 WHERE a.sent_at IS NULL AND a.dropped_at IS NULL AND a.due_at <= (SELECT watchkeeper.now())
UNION
SELECT DISTINCT coalesce(r.channel_project, a.project_id), a.channel
  FROM watchkeeper.alerts a
  JOIN watchkeeper.incident_standings s ON s.project_id = a.project_id AND s.incident_id = a.incident_id
  LEFT JOIN watchkeeper.alert_routes r ON r.project_id = a.project_id AND r.name = a.channel
 WHERE a.card IS NOT NULL AND a.card <> s.card

-- name: lock_channel
-- Lets one process at a time choose what is sent on a channel; sending itself holds nothing.
SELECT pg_advisory_xact_lock(hashtextextended('watchkeeper.alerts/' || %(project_id)s || '/' || %(name)s, 0))

-- name: due_alerts
-- Alerts of one channel that are due, with what has become of their incidents, when their group was last told, and the
-- first that was sent of the same story.
SELECT a.id, a.project_id, a.incident_id, a.severity, a.stage, a.channel, a.recipient, a.subject, a.body, a.attempts,
       a.group_key, a.created_at, a.moment, a.facts, a.message_id, a.held_reason, i.state, c.id IS NOT NULL AS is_symptom,
       i.quiet_until, i.rule, i.is_mirrored, r.kind, coalesce(r.channel_project, a.project_id) AS channel_project, r.quiet_from, r.quiet_to,
       coalesce(r.time_zone, 'UTC') AS time_zone, watchkeeper.now() AS now, n.acknowledged_by, n.acknowledged_until,
       n.resolved_at, n.resolved_by, n.repair_action, n.repair_state, n.repair_result, n.decided_by, n.card AS card_now,
       f.message_id AS first_id, f.receipt AS first_receipt,
       (SELECT max(g.sent_at) FROM watchkeeper.alerts g
         WHERE g.project_id = a.project_id AND g.group_key = a.group_key AND g.channel = a.channel
           AND g.recipient = a.recipient AND g.sent_at IS NOT NULL) AS group_told_at
  FROM watchkeeper.alerts a
  LEFT JOIN watchkeeper.watchdog_incidents i ON i.project_id = a.project_id AND i.id = a.incident_id
  LEFT JOIN watchkeeper.incident_standings n ON n.project_id = a.project_id AND n.incident_id = a.incident_id
  LEFT JOIN watchkeeper.watchdog_incidents c
    ON c.project_id IN (i.project_id, 'system') AND c.id = i.cause_id
   AND (c.severity = 'critical' OR c.rule <> ALL (%(unnotified)s::text[]))
  LEFT JOIN watchkeeper.alert_routes r ON r.project_id = a.project_id AND r.name = a.channel
  LEFT JOIN LATERAL (
    SELECT e.message_id, e.receipt FROM watchkeeper.alerts e
     WHERE e.project_id = a.project_id AND e.incident_id = a.incident_id AND e.channel = a.channel AND e.sent_at IS NOT NULL
     ORDER BY e.sent_at, e.id LIMIT 1) f ON true
 WHERE a.sent_at IS NULL AND a.dropped_at IS NULL AND a.due_at <= (SELECT watchkeeper.now())
   AND a.channel = %(name)s AND coalesce(r.channel_project, a.project_id) = %(project_id)s
 ORDER BY a.severity = 'critical' DESC, a.due_at, a.id LIMIT %(limit)s FOR UPDATE OF a

-- name: stale_cards
-- Messages of one channel that show of their incident what is so no more.
SELECT a.id, a.project_id, a.incident_id, a.severity, a.stage, a.channel, a.recipient, a.subject, a.body, a.created_at,
       a.moment, a.facts, a.message_id, a.group_key, a.held_reason, n.state, i.rule, r.kind, coalesce(r.channel_project, a.project_id) AS channel_project,
       coalesce(r.time_zone, 'UTC') AS time_zone, watchkeeper.now() AS now, n.acknowledged_by, n.acknowledged_until,
       n.resolved_at, n.resolved_by, n.repair_action, n.repair_state, n.repair_result, n.decided_by, n.card AS card_now,
       NULL::uuid AS first_id, NULL::jsonb AS first_receipt, a.receipt
  FROM watchkeeper.alerts a
  JOIN watchkeeper.watchdog_incidents i ON i.project_id = a.project_id AND i.id = a.incident_id
  JOIN watchkeeper.incident_standings n ON n.project_id = a.project_id AND n.incident_id = a.incident_id
  LEFT JOIN watchkeeper.alert_routes r ON r.project_id = a.project_id AND r.name = a.channel
 WHERE a.card IS NOT NULL AND a.card <> n.card
   AND a.channel = %(name)s AND coalesce(r.channel_project, a.project_id) = %(project_id)s
 ORDER BY a.id LIMIT %(limit)s

-- name: keep_card
-- Notes what a message shows of its incident now; of one that is over nothing more will change.
UPDATE watchkeeper.alerts SET card = %(card)s::text WHERE project_id = %(project_id)s AND id = %(id)s

-- name: channel_allowance
-- What a channel carried and may carry, and how it speaks; the row stays locked, so that two count as one.
SELECT c.per_hour, c.hour_begins, c.hour_sent, c.paused_until, c.quota_limit, c.quota_used, c.quota_at, c.language, c.settings,
       watchkeeper.now() AS now
  FROM watchkeeper.alert_channels c WHERE c.project_id = %(project_id)s AND c.name = %(name)s FOR UPDATE

-- name: count_messages
-- Counts messages to the hour that a channel may carry so many in.
UPDATE watchkeeper.alert_channels SET hour_begins = %(begins)s, hour_sent = %(sent)s
 WHERE project_id = %(project_id)s AND name = %(name)s

-- name: pause_channel
-- Lets a channel rest, since the other side asked for it.
UPDATE watchkeeper.alert_channels
   SET paused_until = greatest(paused_until, watchkeeper.now() + make_interval(secs => %(seconds)s))
 WHERE project_id = %(project_id)s AND name = %(name)s

-- name: metered_channel
-- Of which kind a channel is that is on, and when its quota was last asked for.
SELECT kind, quota_at, watchkeeper.now() AS now FROM watchkeeper.alert_channels
 WHERE project_id = %(project_id)s AND name = %(name)s AND is_on

-- name: saw_no_quota
-- Notes that a channel's quota was asked for without a figure; what is known of it stays.
UPDATE watchkeeper.alert_channels SET quota_at = watchkeeper.now() WHERE project_id = %(project_id)s AND name = %(name)s

-- name: keep_quota
-- Notes how much of its month a channel has used.
UPDATE watchkeeper.alert_channels
   SET quota_limit = %(limit)s::bigint, quota_used = %(used)s::bigint, quota_at = watchkeeper.now()
 WHERE project_id = %(project_id)s AND name = %(name)s

-- name: move_channel
-- Takes over what the other side said of where a channel leads to now.
UPDATE watchkeeper.alert_channels SET settings = settings || %(settings)s::text::jsonb
 WHERE project_id = %(project_id)s AND name = %(name)s

-- name: ended_stories
-- Incidents that are over and were told of: once for each channel, as it was told there first.
SELECT DISTINCT ON (a.project_id, a.incident_id, a.channel)
       a.project_id, a.incident_id, a.channel, a.recipient, a.severity, a.subject, a.group_key, a.facts, a.moment, r.kind,
       i.rule, i.opened_at, i.resolved_at, i.resolved_by
  FROM watchkeeper.alerts a
  JOIN watchkeeper.watchdog_incidents i ON i.project_id = a.project_id AND i.id = a.incident_id AND i.state = 'resolved'
  LEFT JOIN watchkeeper.alert_routes r ON r.project_id = a.project_id AND r.name = a.channel
 WHERE a.sent_at IS NOT NULL AND a.story_ended IS NULL AND a.incident_id IS NOT NULL
   AND a.moment IN ('opened', 'escalated', 'approval')
 ORDER BY a.project_id, a.incident_id, a.channel, a.sent_at LIMIT %(limit)s

-- name: announce_end
-- Puts the end of an incident into the outbox of one channel, once.
INSERT INTO watchkeeper.alerts (project_id, incident_id, dedup_key, group_key, severity, channel, recipient, subject, body,
                                due_at, moment, facts)
VALUES (%(project_id)s, %(incident_id)s, %(key)s, %(group_key)s::text, %(severity)s, %(channel)s, %(recipient)s,
        %(subject)s::text, %(body)s, watchkeeper.now(), 'resolved', %(facts)s::text::jsonb)
ON CONFLICT (project_id, dedup_key, channel, recipient) DO NOTHING

-- name: end_story
-- Notes that a channel is told, or need not be, that an incident is over.
UPDATE watchkeeper.alerts SET story_ended = watchkeeper.now()
 WHERE project_id = %(project_id)s AND incident_id = %(incident_id)s AND channel = %(channel)s
   AND sent_at IS NOT NULL AND story_ended IS NULL

-- name: drop_alert
-- Takes an alert that waits out of the outbox, with the reason.
UPDATE watchkeeper.alerts SET dropped_at = watchkeeper.now(), drop_reason = %(reason)s, last_error = coalesce(%(error)s::text, last_error)
 WHERE project_id = %(project_id)s AND id = ANY (%(ids)s) AND sent_at IS NULL AND dropped_at IS NULL

-- name: hold_alert
-- Lets an alert wait until a time, with the reason.
UPDATE watchkeeper.alerts SET due_at = %(until)s, held_reason = %(reason)s
 WHERE project_id = %(project_id)s AND id = %(id)s AND sent_at IS NULL AND dropped_at IS NULL

-- name: take_alerts
-- Takes alerts to send them; who dies on the way leaves them to be due again after a while.
UPDATE watchkeeper.alerts
   SET attempts = attempts + 1, held_reason = 'being_sent', message_id = %(message_id)s, due_at = watchkeeper.now() + make_interval(secs => %(seconds)s)
 WHERE project_id = %(project_id)s AND id = ANY (%(ids)s)

-- name: alerts_sent
-- Writes down that alerts went out, with the receipt, and in the trail that people were called.
WITH sent AS (
  UPDATE watchkeeper.alerts SET sent_at = watchkeeper.now(), held_reason = NULL, receipt = %(receipt)s::text::jsonb,
         last_error = NULL, card = %(card)s::text
   WHERE project_id = %(project_id)s AND id = ANY (%(ids)s) AND sent_at IS NULL AND dropped_at IS NULL
  RETURNING id, incident_id, channel, recipient, stage
), healed AS (
  UPDATE watchkeeper.alert_channels c SET sent_at = watchkeeper.now(), last_error = NULL
   WHERE c.project_id = %(channel_project)s AND c.name = %(channel)s
)
INSERT INTO watchkeeper.audit_events (project_id, event, actor, data)
SELECT %(project_id)s, 'escalation_sent', 'system',
       jsonb_build_object('alert_id', id, 'incident_id', incident_id, 'channel', channel, 'recipient', recipient, 'stage', stage)
  FROM sent WHERE incident_id IS NOT NULL

-- name: retry_alerts
-- Lets alerts wait for their next attempt after one that failed.
WITH held AS (
  UPDATE watchkeeper.alerts
     SET due_at = watchkeeper.now() + make_interval(secs => %(seconds)s), held_reason = 'back_off', last_error = %(error)s
   WHERE project_id = %(project_id)s AND id = ANY (%(ids)s) AND sent_at IS NULL AND dropped_at IS NULL
)
UPDATE watchkeeper.alert_channels c SET failed_at = watchkeeper.now(), last_error = %(error)s
 WHERE c.project_id = %(channel_project)s AND c.name = %(channel)s

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
       a.moment, a.held_reason, a.last_error, a.receipt, a.message_id, a.sent_at, a.dropped_at, a.drop_reason, a.acknowledged_at, a.acknowledged_by,
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
