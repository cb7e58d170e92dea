-- How many workers of a project wait for work.
SELECT count(*) FROM watchkeeper.sleepers WHERE project_id = $1
