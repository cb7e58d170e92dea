-- name: outbox_look
-- In how many seconds the next alert is due, and whether an incident is new.
SELECT (SELECT extract(epoch FROM min(due_at) - watchkeeper.now())::float8 FROM watchkeeper.alerts
         WHERE sent_at IS NULL AND dropped_at IS NULL) AS seconds,
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
UPDATE watchkeeper.alerts SET dropped_at = watchkeeper.now(), drop_reason = %(reason)s, last_error = coalesce(%(error)s::text, last_error),
       tries = CASE WHEN %(error)s::text IS NULL THEN tries
                    ELSE tries || jsonb_build_object('at', watchkeeper.now(), 'outcome', 'failed', 'error', %(error)s::text) END
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
         last_error = NULL, card = %(card)s::text, tries = tries || jsonb_build_object('at', watchkeeper.now(), 'outcome', 'sent')
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
     SET due_at = watchkeeper.now() + make_interval(secs => %(seconds)s), held_reason = 'back_off', last_error = %(error)s,
         tries = tries || jsonb_build_object('at', watchkeeper.now(), 'outcome', 'failed', 'error', %(error)s::text)
   WHERE project_id = %(project_id)s AND id = ANY (%(ids)s) AND sent_at IS NULL AND dropped_at IS NULL
)
UPDATE watchkeeper.alert_channels c SET failed_at = watchkeeper.now(), last_error = %(error)s
 WHERE c.project_id = %(channel_project)s AND c.name = %(channel)s
