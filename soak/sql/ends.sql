-- Every job with its state, why it is in it, and the epoch that ended it.
SELECT id::text AS id, state, state_reason, epoch, verified FROM watchkeeper.jobs WHERE project_id = %(project_id)s ORDER BY seq
