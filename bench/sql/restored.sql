-- What came back, counted anew; $1 is the last seal of before the backup. Rows of the new timeline are the restore's own.
SELECT (SELECT count(*) FROM watchkeeper.job_specs) AS jobs,
       (SELECT count(*) FROM watchkeeper.ready_jobs) + (SELECT count(*) FROM watchkeeper.held_jobs) AS waiting,
       (SELECT count(*) FROM watchkeeper.artifacts) AS artifacts,
       count(*) FILTER (WHERE timeline < watchkeeper.audit_timeline()) AS audit_rows,
       count(*) FILTER (WHERE timeline = watchkeeper.audit_timeline()) AS new_audit_rows,
       (SELECT hash FROM watchkeeper.audit_seals WHERE number = $1) AS hash
  FROM watchkeeper.audit_events
