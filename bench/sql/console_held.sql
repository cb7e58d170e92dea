-- The id of the job with number $1.
SELECT id FROM watchkeeper.job_specs WHERE project_id = 'watched' AND seq = $1::bigint
