-- name: keep_host_alerts
-- Keeps alerts as they came, each once however often it is sent, in the order in which all receivers take them.
INSERT INTO watchkeeper.host_alerts AS h
       (project_id, digest, group_key, fingerprint, status, alertname, host_id, starts_at, ends_at, problem, given, received_by)
SELECT %(project_id)s, decode(a.digest, 'hex'), %(group_key)s, a.fingerprint, a.status, a.alertname, a.host_id, a.starts_at,
       a.ends_at, a.problem, a.given, %(actor)s
  FROM jsonb_to_recordset(%(alerts)s::text::jsonb) AS a (
         digest text, fingerprint text, status text, alertname text, host_id text, starts_at timestamptz,
         ends_at timestamptz, problem text, given jsonb)
 ORDER BY a.digest
ON CONFLICT (project_id, digest)
   DO UPDATE SET times = h.times + 1, last_received_at = watchkeeper.now()
RETURNING h.id, encode(h.digest, 'hex') AS digest, h.xmax = 0 AS is_new, h.received_at

-- name: end_host_alerts
-- Ends what fires by what says that it is resolved, in whichever order the two came.
UPDATE watchkeeper.host_alerts f
   SET over_at = r.over_at
  FROM (SELECT e.fingerprint, max(coalesce(e.ends_at, e.received_at)) AS over_at FROM watchkeeper.host_alerts e
         WHERE e.project_id = %(project_id)s AND e.fingerprint = ANY (%(fingerprints)s::text[]) AND e.status = 'resolved'
           AND e.problem IS NULL
         GROUP BY e.fingerprint) r
 WHERE f.project_id = %(project_id)s AND f.fingerprint = r.fingerprint AND f.status = 'firing' AND f.problem IS NULL
   AND f.over_at IS NULL AND f.starts_at <= r.over_at

-- name: firing_host_alerts
-- Of these alerts those that fire, and that nothing has ended.
SELECT h.id, h.host_id FROM watchkeeper.host_alerts h
 WHERE h.project_id = %(project_id)s AND h.id = ANY (%(ids)s::uuid[]) AND h.status = 'firing' AND h.problem IS NULL
   AND h.over_at IS NULL

-- name: tie_host_alerts
-- Ties alerts to the incidents that they came to, and asks the hosts of those for a packet where something is new.
WITH given AS MATERIALIZED (
  SELECT * FROM unnest(%(alerts)s::uuid[], %(incidents)s::uuid[], %(alertnames)s::text[], %(lanes)s::text[], %(news)s::boolean[])
                AS g (alert_id, incident_id, alertname, lane, is_new)
), tied AS (
  UPDATE watchkeeper.host_alerts h SET incident_id = g.incident_id
    FROM given g WHERE h.project_id = %(project_id)s AND h.id = g.alert_id
     AND h.incident_id IS DISTINCT FROM g.incident_id
), hosts AS (
  SELECT g.incident_id, min(h.host_id) AS host_id, min(g.alertname) AS alertname, min(g.lane) AS lane, bool_or(g.is_new) AS is_new
    FROM given g JOIN watchkeeper.host_alerts h ON h.project_id = %(project_id)s AND h.id = g.alert_id
   GROUP BY g.incident_id
)
INSERT INTO watchkeeper.host_incidents AS i (project_id, incident_id, host_id, alertname, lane, packet_wanted_at)
SELECT %(project_id)s, incident_id, host_id, alertname, lane, watchkeeper.now() FROM hosts ORDER BY incident_id
ON CONFLICT (project_id, incident_id)
   DO UPDATE SET packet_wanted_at = watchkeeper.now()
   WHERE (SELECT h.is_new FROM hosts h WHERE h.incident_id = excluded.incident_id) AND i.packet_wanted_at IS NULL

-- name: note_host_group
-- Notes that a group was heard of, and how many of its alerts were left out this time.
INSERT INTO watchkeeper.host_alert_groups AS g (project_id, digest, group_key, receiver, truncated, truncated_at)
VALUES (%(project_id)s, decode(%(digest)s, 'hex'), %(group_key)s, %(receiver)s::text, %(truncated)s,
        CASE WHEN %(truncated)s::integer > 0 THEN watchkeeper.now() END)
ON CONFLICT (project_id, digest)
   DO UPDATE SET deliveries = g.deliveries + 1, last_received_at = watchkeeper.now(), receiver = excluded.receiver,
                 truncated = excluded.truncated, truncated_at = coalesce(excluded.truncated_at, g.truncated_at)

-- name: host_standings
-- How the alerts of host incidents stand now, and whether the five assets are written.
SELECT g.incident_id, a.firing > 0 AS is_firing, a.over_at, h.assets_written_at
  FROM unnest(%(incidents)s::uuid[], %(projects)s::text[]) AS g (incident_id, project_id)
  JOIN watchkeeper.host_incidents h ON h.project_id = g.project_id AND h.incident_id = g.incident_id
 CROSS JOIN LATERAL (
   SELECT count(*) FILTER (WHERE e.over_at IS NULL) AS firing, max(e.over_at) AS over_at
     FROM watchkeeper.host_alerts e
    WHERE e.project_id = g.project_id AND e.incident_id = g.incident_id AND e.status = 'firing') a

-- name: firing_by_lane
-- The alerts of each lane that fire now, over all projects.
SELECT h.lane, count(*) AS firing
  FROM watchkeeper.host_incidents h
  JOIN watchkeeper.watchdog_incidents i ON i.project_id = h.project_id AND i.id = h.incident_id AND i.state <> 'resolved'
 WHERE EXISTS (SELECT FROM watchkeeper.host_alerts e
                WHERE e.project_id = h.project_id AND e.incident_id = h.incident_id AND e.status = 'firing'
                  AND e.over_at IS NULL)
 GROUP BY h.lane

-- name: list_host_incidents
-- Host incidents of a project, the newest first, with their alerts, packets and assets.
SELECT i.id, i.rule, i.severity, i.state, i.owner, i.next_action, i.due_at, i.opened_at, i.resolved_at, i.recurrence_of,
       h.host_id, h.alertname, h.lane, h.packet_wanted_at, h.packet_id, h.assets_written_at, a.firing > 0 AS is_firing,
       a.fired_at, a.over_at
  FROM watchkeeper.host_incidents h
  JOIN watchkeeper.watchdog_incidents i ON i.project_id = h.project_id AND i.id = h.incident_id
 CROSS JOIN LATERAL (
   SELECT count(*) FILTER (WHERE e.over_at IS NULL) AS firing, max(e.over_at) AS over_at, min(e.starts_at) AS fired_at
     FROM watchkeeper.host_alerts e
    WHERE e.project_id = h.project_id AND e.incident_id = h.incident_id AND e.status = 'firing') a
 WHERE h.project_id = %(project_id)s AND (%(before)s::uuid IS NULL OR h.incident_id < %(before)s::uuid)
   AND (%(host)s::text IS NULL OR h.host_id = %(host)s::text)
   AND (NOT %(unresolved)s::boolean OR i.state <> 'resolved')
 ORDER BY h.incident_id DESC LIMIT %(limit)s

-- name: host_alerts_left
-- What could be no incident, and what was cut off, of the last days; the newest first.
SELECT 'problem' AS what, h.problem AS because, h.alertname, h.host_id, h.group_key, 1 AS count, h.times, h.last_received_at
  FROM watchkeeper.host_alerts h
 WHERE h.project_id = %(project_id)s AND h.problem IS NOT NULL
   AND h.last_received_at > watchkeeper.now() - make_interval(days => %(days)s)
 UNION ALL
SELECT 'truncated', 'Alertmanager left alerts out', NULL, NULL, g.group_key, g.truncated, g.deliveries, g.truncated_at
  FROM watchkeeper.host_alert_groups g
 WHERE g.project_id = %(project_id)s AND g.truncated_at > watchkeeper.now() - make_interval(days => %(days)s)
 ORDER BY last_received_at DESC LIMIT %(limit)s

