-- How many jobs wait or run.
SELECT (SELECT count(*) FROM watchkeeper.ready_jobs WHERE project_id = %(project_id)s)
     + (SELECT count(*) FROM watchkeeper.scheduled_jobs WHERE project_id = %(project_id)s)
     + (SELECT count(*) FROM watchkeeper.leases WHERE project_id = %(project_id)s) AS alive
