-- name: readiness_holds
-- Of each item of the loop's stages whether the database shows it.
SELECT EXISTS (SELECT FROM watchkeeper.host_readings r WHERE r.project_id = %(project_id)s) AS a_host_was_scanned,
       coalesce((SELECT bool_and(r.at > (SELECT watchkeeper.now()) - make_interval(secs => %(stale_seconds)s))
                   FROM (SELECT max(scanned_at) AS at FROM watchkeeper.host_readings
                          WHERE project_id = %(project_id)s GROUP BY host_id) r), false) AS no_scan_is_stale,
       EXISTS (SELECT FROM watchkeeper.host_alerts a
                WHERE a.project_id = %(project_id)s AND a.problem IS NULL) AS an_alert_was_received,
       NOT EXISTS (SELECT FROM watchkeeper.host_alert_groups g
                    WHERE g.project_id = %(project_id)s AND g.truncated > 0) AS no_alert_was_left_out,
       EXISTS (SELECT FROM watchkeeper.host_packets p WHERE p.project_id = %(project_id)s) AS a_packet_was_kept,
       NOT EXISTS (SELECT FROM watchkeeper.host_incidents h
                     JOIN watchkeeper.watchdog_incidents i
                       ON i.project_id = h.project_id AND i.id = h.incident_id AND i.state <> 'resolved'
                    WHERE h.project_id = %(project_id)s
                      AND h.packet_wanted_at < (SELECT watchkeeper.now()) - interval '1 minute') AS no_incident_waits_for_a_packet,
       NOT EXISTS (SELECT FROM watchkeeper.host_incidents h
                     JOIN watchkeeper.watchdog_incidents i
                       ON i.project_id = h.project_id AND i.id = h.incident_id AND i.state = 'resolved'
                    WHERE h.project_id = %(project_id)s AND h.lane <> 'self'
                      AND h.assets_written_at IS NULL) AS no_lane_incident_closed_without_assets,
       NOT EXISTS (SELECT FROM watchkeeper.audit_events e
                    WHERE e.project_id = %(project_id)s AND e.event = 'host_signal_sent'
                      AND NOT EXISTS (SELECT FROM watchkeeper.approvals v
                                       WHERE v.project_id = e.project_id AND v.repair_id::text = e.data ->> 'repair_id'
                                         AND v.decision = 'approved')) AS no_remediation_without_approval,
       EXISTS (SELECT FROM watchkeeper.host_packets p
                WHERE p.project_id = %(project_id)s AND p.incident_id IS NOT NULL) AS has_fixture,
       EXISTS (SELECT FROM watchkeeper.audit_events e
                WHERE e.event = 'drill_ended' AND e.data ->> 'drill' = 'host_remediation' AND (e.data ->> 'passed')::boolean) AS has_drill,
       watchkeeper.now() AS now

-- name: readiness_counts
-- How often each act was done for incidents of hosts: what people were sent by which way, and what the trail tells of.
SELECT (SELECT count(*) FROM watchkeeper.repair_actions r
         WHERE r.project_id = %(project_id)s AND r.action = 'end_orphan' AND r.state = 'approved')
         AS runtime_remediation_authorized_count,
       s.telegram AS telegram_send_count, s.queued AS gateway_queue_write_count, s.bots AS bot_api_call_count,
       t.writes AS host_write_count, t.ended AS process_termination_count, t.docker AS docker_restart_count,
       t.systemd AS systemd_restart_count, t.nginx AS nginx_reload_count, t.firewall AS firewall_change_count,
       t.kubectl AS kubectl_action_count, t.production AS production_write_count,
       (SELECT coalesce(sum((e.data ->> 'count')::bigint), 0) FROM watchkeeper.audit_events e
         WHERE e.project_id = 'system' AND e.event = 'forbidden_public_answer') AS forbidden_hits
  FROM (SELECT count(*) AS queued,
               count(*) FILTER (WHERE a.sent_at IS NOT NULL AND c.kind = 'telegram') AS telegram,
               count(*) FILTER (WHERE a.sent_at IS NOT NULL AND c.kind IN ('telegram', 'line', 'slack')) AS bots
          FROM watchkeeper.alerts a
          JOIN watchkeeper.host_incidents h ON h.project_id = a.project_id AND h.incident_id = a.incident_id
          LEFT JOIN watchkeeper.alert_channels c ON c.project_id = a.project_id AND c.name = a.channel
         WHERE a.project_id = %(project_id)s) s
 CROSS JOIN (SELECT count(*) FILTER (WHERE e.event = 'host_written') AS writes,
                    count(*) FILTER (WHERE e.event = 'host_signal_sent') AS ended,
                    count(*) FILTER (WHERE e.event = 'docker_restarted') AS docker,
                    count(*) FILTER (WHERE e.event = 'systemd_restarted') AS systemd,
                    count(*) FILTER (WHERE e.event = 'nginx_reloaded') AS nginx,
                    count(*) FILTER (WHERE e.event = 'firewall_changed') AS firewall,
                    count(*) FILTER (WHERE e.event = 'kubectl_called') AS kubectl,
                    count(*) FILTER (WHERE e.event = 'production_written') AS production
               FROM watchkeeper.audit_events e
              WHERE e.project_id = %(project_id)s AND e.event = ANY (%(events)s::text[])) t

-- name: firing_of_project
-- How many incidents of hosts have an alert that fires now.
SELECT count(*) AS firing
  FROM watchkeeper.host_incidents h
  JOIN watchkeeper.watchdog_incidents i ON i.project_id = h.project_id AND i.id = h.incident_id AND i.state <> 'resolved'
 WHERE h.project_id = %(project_id)s
   AND EXISTS (SELECT FROM watchkeeper.host_alerts e
                WHERE e.project_id = h.project_id AND e.incident_id = h.incident_id AND e.status = 'firing'
                  AND e.over_at IS NULL)
