-- name: find_job
-- One job by its id, as the readers' view shows it.
SELECT j.* FROM watchkeeper.jobs j
 WHERE j.project_id = %(project_id)s AND j.id = %(id)s::uuid

-- name: find_job_by_external_id
-- One job by its foreign id, whatever its origin; the newest where several origins share it.
SELECT j.* FROM watchkeeper.jobs j
 WHERE j.project_id = %(project_id)s AND j.external_id = %(external_id)s
 ORDER BY j.seq DESC LIMIT 1

-- name: job_seq
-- The number of a job by its id.
SELECT id, seq, kind FROM watchkeeper.job_specs WHERE project_id = %(project_id)s AND id = %(id)s::uuid

-- name: job_seq_by_external_id
-- The number of a job by its foreign id.
SELECT id, seq, kind FROM watchkeeper.job_specs WHERE project_id = %(project_id)s AND external_id = %(external_id)s
 ORDER BY seq DESC LIMIT 1

-- name: job_spec_texts
-- A job as it was asked for, its documents as text, to ask for it again.
SELECT kind, payload::text AS payload, contract::text AS contract, priority, unique_key, deliverable_id, is_shadow,
       secret_suspected
  FROM watchkeeper.job_specs WHERE project_id = %(project_id)s AND seq = %(seq)s
