-- Each lost lease: who lost it, and of a job's first one how long after its end the next attempt began.
SELECT a.worker_id,
       CASE WHEN row_number() OVER (PARTITION BY a.seq ORDER BY a.epoch) = 1 THEN
         extract(epoch FROM n.started_at - substring(a.error FROM 'expired at (\S+ \S+) UTC')::timestamp AT TIME ZONE 'UTC')
           ::float8 END AS seconds
  FROM watchkeeper.closed_attempts a
  LEFT JOIN LATERAL (SELECT started_at FROM watchkeeper.job_attempts n
                      WHERE n.project_id = a.project_id AND n.seq = a.seq AND n.epoch > a.epoch
                      ORDER BY n.epoch LIMIT 1) n ON true
 WHERE a.project_id = %(project_id)s AND a.outcome = 'lost'
