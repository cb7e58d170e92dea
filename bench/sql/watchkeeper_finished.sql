-- How many jobs of a project above a number are finished for good.
SELECT count(*) FROM watchkeeper.job_outcomes WHERE project_id = $1 AND seq > $2
