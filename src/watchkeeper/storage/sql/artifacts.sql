-- name: stored_files
-- The files that artifacts name, in order, from one on; was_lost where one of them was missed before.
SELECT project_id, sha256, bool_or(lost_at IS NOT NULL) AS was_lost FROM watchkeeper.artifacts
 WHERE sha256 IS NOT NULL AND (project_id, sha256) > (%(after_project)s, %(after_sha256)s)
 GROUP BY project_id, sha256 ORDER BY project_id, sha256 LIMIT %(limit)s

-- name: mark_artifacts_lost
-- Notes of all artifacts of one file that it is gone or changed, for the audit trail once; gives them all.
WITH missed AS (
  UPDATE watchkeeper.artifacts SET lost_at = watchkeeper.now()
   WHERE project_id = %(project_id)s AND sha256 = %(sha256)s AND lost_at IS NULL
  RETURNING id, project_id, seq, epoch, name
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, job_seq, epoch, reason, data)
  SELECT project_id, 'artifact_lost', %(actor)s, seq, epoch, %(reason)s,
         jsonb_build_object('artifact_id', id, 'name', name, 'sha256', %(sha256)s::text)
    FROM missed
)
SELECT a.id, a.project_id, s.id AS job_id, a.name, a.kind, a.sha256, a.bytes, coalesce(a.lost_at, watchkeeper.now()) AS lost_at
  FROM watchkeeper.artifacts a LEFT JOIN watchkeeper.job_specs s ON s.project_id = a.project_id AND s.seq = a.seq
 WHERE a.project_id = %(project_id)s AND a.sha256 = %(sha256)s
 ORDER BY a.id

-- name: mark_artifacts_found
-- Notes of the artifacts of one file that it is back.
WITH found AS (
  UPDATE watchkeeper.artifacts SET lost_at = NULL
   WHERE project_id = %(project_id)s AND sha256 = %(sha256)s AND lost_at IS NOT NULL
  RETURNING id, project_id, seq, epoch, name
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, job_seq, epoch, data)
  SELECT project_id, 'artifact_restored', %(actor)s, seq, epoch,
         jsonb_build_object('artifact_id', id, 'name', name, 'sha256', %(sha256)s::text)
    FROM found
)
SELECT id FROM found
