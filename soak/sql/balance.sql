-- How many jobs were accepted, in how many places they stand, and how often completions are recorded.
SELECT (SELECT count(*) FROM watchkeeper.job_specs WHERE project_id = %(project_id)s) AS accepted,
       (SELECT count(*) FROM watchkeeper.ready_jobs WHERE project_id = %(project_id)s)
     + (SELECT count(*) FROM watchkeeper.scheduled_jobs WHERE project_id = %(project_id)s)
     + (SELECT count(*) FROM watchkeeper.leases WHERE project_id = %(project_id)s)
     + (SELECT count(*) FROM watchkeeper.held_jobs WHERE project_id = %(project_id)s)
     + (SELECT count(*) FROM watchkeeper.job_outcomes WHERE project_id = %(project_id)s) AS standing,
       (SELECT count(*) FROM watchkeeper.job_outcomes WHERE project_id = %(project_id)s AND state = 'completed') AS completed,
       (SELECT count(*) FROM watchkeeper.closed_attempts WHERE project_id = %(project_id)s AND outcome = 'completed') AS completions,
       (SELECT count(*) FROM watchkeeper.audit_events WHERE project_id = %(project_id)s AND event = 'complete_succeeded') AS told
