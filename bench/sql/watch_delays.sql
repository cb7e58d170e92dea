-- How many seconds after its threshold (a third of 60 s left) each near lease's incident was opened.
SELECT coalesce(array_agg(extract(epoch FROM opened_at - ((evidence->>'lease_expires_at')::timestamptz
                                                          - interval '20 seconds'))::float8), '{}')
  FROM watchkeeper.watchdog_incidents WHERE rule = 'lease_near_expiry'
