-- The number above which a later job is counted.
SELECT coalesce(max(seq), 0) FROM watchkeeper.job_outcomes WHERE project_id = $1
