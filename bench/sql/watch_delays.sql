-- How many seconds after its threshold (a third of 60 s left) each near lease's incident was opened.
SELECT coalesce(array_agg(extract(epoch FROM i.opened_at - (l.expires_at - interval '20 seconds'))::float8), '{}')
  FROM watchkeeper.watchdog_incidents i
  JOIN watchkeeper.job_specs s ON s.project_id = i.project_id AND s.id = i.job_id
  JOIN watchkeeper.leases l ON l.project_id = s.project_id AND l.seq = s.seq
 WHERE i.rule = 'lease_near_expiry'
