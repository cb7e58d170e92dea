-- What the pages about one thing are asked for: the name of the part of the address, and a key for it.
SELECT 'job' AS name, id::text AS key FROM watchkeeper.job_specs WHERE project_id = 'watched' AND seq = $1::bigint
UNION ALL (SELECT 'incident', id::text FROM watchkeeper.watchdog_incidents WHERE project_id = 'watched' AND state <> 'resolved'
            ORDER BY id LIMIT 1)
UNION ALL (SELECT 'repair', id::text FROM watchkeeper.repair_actions WHERE project_id = 'watched' AND state = 'proposed' LIMIT 1)
UNION ALL (SELECT 'session', id::text FROM watchkeeper.agent_sessions WHERE project_id = 'watched' AND thread_id = 'th-1')
UNION ALL (SELECT 'proposal', id::text FROM watchkeeper.proposals WHERE project_id = 'watched' LIMIT 1)
UNION ALL (SELECT 'alert', id::text FROM watchkeeper.alerts WHERE project_id = 'watched' LIMIT 1)
UNION ALL (SELECT 'signal', id::text FROM watchkeeper.signals WHERE project_id = 'watched' LIMIT 1)
UNION ALL (SELECT 'lesson', id::text FROM watchkeeper.lessons WHERE project_id = 'watched' LIMIT 1)
UNION ALL (SELECT 'sync', id::text FROM watchkeeper.people_syncs WHERE project_id = 'watched' LIMIT 1)
UNION ALL (SELECT 'worker', 'w1')
UNION ALL (SELECT 'kind', 'k1')
UNION ALL (SELECT 'project', 'watched')
