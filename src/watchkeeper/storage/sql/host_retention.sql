-- name: forget_host_alerts
-- Deletes alerts on hosts, but not of an incident that is open or awaits its report.
WITH gone AS (
  DELETE FROM watchkeeper.host_alerts WHERE ctid = ANY (ARRAY(
    SELECT x.ctid FROM watchkeeper.host_alerts x
     WHERE x.last_received_at < (SELECT watchkeeper.now()) - %(days)s::float8 * interval '1 day'
       AND NOT EXISTS (SELECT FROM watchkeeper.watchdog_incidents i
                        WHERE i.project_id = x.project_id AND i.id = x.incident_id
                          AND (i.state <> 'resolved'
                               OR i.opened_at > (SELECT watchkeeper.now()) - %(report_days)s * interval '1 day'))
     LIMIT %(limit)s FOR UPDATE OF x SKIP LOCKED)) RETURNING 1
)
SELECT count(*) AS gone FROM gone

-- name: forget_host_alert_groups
-- Deletes groups of alerts that were not heard of for long.
WITH gone AS (
  DELETE FROM watchkeeper.host_alert_groups WHERE ctid = ANY (ARRAY(
    SELECT x.ctid FROM watchkeeper.host_alert_groups x
     WHERE x.last_received_at < (SELECT watchkeeper.now()) - %(days)s::float8 * interval '1 day'
     LIMIT %(limit)s FOR UPDATE OF x SKIP LOCKED)) RETURNING 1
)
SELECT count(*) AS gone FROM gone

-- name: forget_host_packets
-- Deletes event packets that belong to no incident.
WITH gone AS (
  DELETE FROM watchkeeper.host_packets WHERE ctid = ANY (ARRAY(
    SELECT x.ctid FROM watchkeeper.host_packets x
     WHERE x.created_at < (SELECT watchkeeper.now()) - %(days)s::float8 * interval '1 day' AND x.incident_id IS NULL
     LIMIT %(limit)s FOR UPDATE OF x SKIP LOCKED)) RETURNING 1
)
SELECT count(*) AS gone FROM gone

-- name: forget_host_readings
-- Deletes old days of hosts.
WITH gone AS (
  DELETE FROM watchkeeper.host_readings WHERE ctid = ANY (ARRAY(
    SELECT x.ctid FROM watchkeeper.host_readings x
     WHERE x.scanned_at < (SELECT watchkeeper.now()) - %(days)s::float8 * interval '1 day'
     LIMIT %(limit)s FOR UPDATE OF x SKIP LOCKED)) RETURNING 1
)
SELECT count(*) AS gone FROM gone
