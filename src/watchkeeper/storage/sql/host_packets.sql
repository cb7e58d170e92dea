-- name: keep_host_packet
-- Keeps an event packet, with the open incident of its lane on its host, which it then stands with, under the name that the
-- host has for itself; told once in a while where nobody asked for it.
WITH clock AS MATERIALIZED (
  SELECT watchkeeper.now() AS now
), incident AS MATERIALIZED (
  SELECT h.incident_id, i.rule, i.severity, i.state, i.owner, i.next_action, i.due_at, i.opened_at
    FROM watchkeeper.host_incidents h
    JOIN watchkeeper.watchdog_incidents i ON i.project_id = h.project_id AND i.id = h.incident_id AND i.state <> 'resolved'
   WHERE h.project_id = %(project_id)s AND lower(h.host_id) = ANY (%(names)s::text[])
     AND CASE WHEN %(incident_id)s::uuid IS NULL THEN h.lane = %(lane)s ELSE h.incident_id = %(incident_id)s::uuid END
   ORDER BY h.incident_id DESC LIMIT 1
), kept AS (
  INSERT INTO watchkeeper.host_packets (project_id, host_id, packet_key, incident_id, lane, classification, action_policy,
                                        plan_digest, packet, sha256, told_by, generated_at)
  SELECT %(project_id)s, %(host_id)s, %(packet_key)s, x.incident_id, %(lane)s, %(classification)s, %(action_policy)s,
         %(plan_digest)s, p.packet, encode(sha256(convert_to(p.packet::text, 'UTF8')), 'hex'), %(actor)s,
         to_timestamp(%(generated_at)s::float8)
    FROM (SELECT 1) one LEFT JOIN incident x ON true
   CROSS JOIN LATERAL (SELECT %(packet)s::text::jsonb || CASE WHEN x.incident_id IS NULL THEN '{"incident": null}'::jsonb
      ELSE jsonb_build_object('incident', jsonb_build_object('id', x.incident_id, 'rule', x.rule, 'severity', x.severity,
             'state', x.state, 'owner', x.owner, 'next_action', x.next_action, 'due_at', x.due_at,
             'opened_at', x.opened_at)) END AS packet) p
   CROSS JOIN clock
   WHERE NOT EXISTS (
     SELECT FROM watchkeeper.host_packets o
      WHERE o.project_id = %(project_id)s AND o.host_id = %(host_id)s AND o.packet_key = %(packet_key)s
        AND o.incident_id IS NOT DISTINCT FROM x.incident_id
        AND o.created_at > clock.now - make_interval(secs => %(again_seconds)s))
  RETURNING id, incident_id, sha256, packet ->> 'host' AS host
), answered AS (
  UPDATE watchkeeper.host_incidents h SET packet_id = k.id, packet_wanted_at = NULL, host_id = k.host
    FROM kept k WHERE h.project_id = %(project_id)s AND h.incident_id = k.incident_id
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, data)
  SELECT %(project_id)s, 'host_packet_kept', %(actor)s,
         jsonb_strip_nulls(jsonb_build_object('packet_id', id, 'incident_id', incident_id, 'host', %(host_id)s::text,
                                              'lane', %(lane)s::text, 'sha256', sha256)) FROM kept
)
SELECT id, incident_id, sha256 FROM kept

-- name: packets_wanted
-- Host incidents that wait for a packet of one of these machines, the oldest first.
SELECT h.project_id, h.incident_id, h.host_id, h.alertname, h.lane, h.packet_wanted_at
  FROM watchkeeper.host_incidents h
  JOIN watchkeeper.watchdog_incidents i ON i.project_id = h.project_id AND i.id = h.incident_id AND i.state <> 'resolved'
 WHERE h.packet_wanted_at IS NOT NULL
   AND (lower(h.host_id) = ANY (%(names)s::text[])
        OR (h.host_id !~ '^[0-9.]+$' AND split_part(lower(h.host_id), '.', 1) = ANY (%(names)s::text[])))
 ORDER BY h.packet_wanted_at LIMIT %(limit)s

-- name: list_host_packets
-- Event packets of a project without their bodies, the newest first.
SELECT p.id, p.host_id, p.packet_key, p.incident_id, p.lane, p.classification, p.action_policy, p.plan_digest, p.sha256,
       p.told_by, p.generated_at, p.created_at
  FROM watchkeeper.host_packets p
 WHERE p.project_id = %(project_id)s AND (%(before)s::uuid IS NULL OR p.id < %(before)s::uuid)
   AND (%(host)s::text IS NULL OR p.host_id = %(host)s::text)
   AND (%(incident_id)s::uuid IS NULL OR p.incident_id = %(incident_id)s::uuid)
 ORDER BY p.id DESC LIMIT %(limit)s

-- name: find_host_packet
-- One event packet.
SELECT p.* FROM watchkeeper.host_packets p WHERE p.project_id = %(project_id)s AND p.id = %(id)s::uuid

-- name: keep_host_reading
-- Keeps what a scan of a host came to: the last of its day, and the day's highest load and swap.
INSERT INTO watchkeeper.host_readings AS r
       (project_id, host_id, day, scanned_at, monitor_up, processes, unreadable, orphan_browser_groups, orphan_browser_cores,
        active_ci_jobs, active_ci_containers, load5_per_core, load5_per_core_upper, swap_used_ratio, swap_used_ratio_upper,
        groups)
SELECT %(project_id)s, %(host_id)s, date_trunc('day', t.now, 'UTC'), t.now, %(monitor_up)s, %(processes)s::integer,
       %(unreadable)s::integer, %(orphan_browser_groups)s::integer, %(orphan_browser_cores)s::float8,
       %(active_ci_jobs)s::integer, %(active_ci_containers)s::integer, %(load5_per_core)s::float8, %(load5_per_core)s::float8,
       %(swap_used_ratio)s::float8, %(swap_used_ratio)s::float8, %(groups)s::text::jsonb
  FROM (SELECT watchkeeper.now() AS now) t
ON CONFLICT (project_id, host_id, day)
   DO UPDATE SET scanned_at = excluded.scanned_at, monitor_up = excluded.monitor_up, processes = excluded.processes,
                 unreadable = excluded.unreadable, orphan_browser_groups = excluded.orphan_browser_groups,
                 orphan_browser_cores = excluded.orphan_browser_cores, active_ci_jobs = excluded.active_ci_jobs,
                 active_ci_containers = excluded.active_ci_containers, load5_per_core = excluded.load5_per_core,
                 load5_per_core_upper = greatest(r.load5_per_core_upper, excluded.load5_per_core),
                 swap_used_ratio = excluded.swap_used_ratio,
                 swap_used_ratio_upper = greatest(r.swap_used_ratio_upper, excluded.swap_used_ratio), groups = excluded.groups

-- name: host_readings
-- The last reading of each host, with the highest load and swap of some days, and how old it is.
SELECT r.*, extract(epoch FROM watchkeeper.now() - r.scanned_at)::float8 AS age_seconds, u.load5_upper, u.swap_upper
  FROM (SELECT DISTINCT ON (host_id) * FROM watchkeeper.host_readings
         WHERE project_id = %(project_id)s AND day > (SELECT watchkeeper.now()) - make_interval(days => %(days)s)
         ORDER BY host_id, day DESC) r
 CROSS JOIN LATERAL (
   SELECT max(load5_per_core_upper) AS load5_upper, max(swap_used_ratio_upper) AS swap_upper
     FROM watchkeeper.host_readings d
    WHERE d.project_id = r.project_id AND d.host_id = r.host_id
      AND d.day > (SELECT watchkeeper.now()) - make_interval(days => %(days)s)) u
 ORDER BY r.host_id LIMIT %(limit)s
