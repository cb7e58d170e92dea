-- When the lease of a project's one job ends, in seconds of the Unix epoch, if it is the job's first.
SELECT extract(epoch FROM expires_at)::float8 FROM watchkeeper.leases WHERE project_id = $1 AND epoch = 1
