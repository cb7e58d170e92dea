-- name: job_context
-- A job as its holder sees it.
SELECT s.id, s.kind, s.project_id, s.payload, coalesce(s.contract, k.contract) AS contract, s.deliverable_id, s.is_shadow,
       s.external_id, s.retry_of, s.created_at, l.epoch AS attempt, k.tokens_limit, k.cost_limit
  FROM watchkeeper.job_specs s
  JOIN watchkeeper.leases l ON l.project_id = s.project_id AND l.seq = s.seq
  LEFT JOIN watchkeeper.job_kinds k ON k.project_id = s.project_id AND k.kind = s.kind
 WHERE s.project_id = %(project_id)s AND s.seq = %(seq)s

-- name: job_contract
-- What a job must produce: its own contract, or else its kind's; NULL for none.
SELECT coalesce(s.contract, k.contract) AS contract
  FROM watchkeeper.job_specs s
  LEFT JOIN watchkeeper.job_kinds k ON k.project_id = s.project_id AND k.kind = s.kind
 WHERE s.project_id = %(project_id)s AND s.seq = %(seq)s

-- name: previous_attempts
-- How earlier attempts at a job ended, the last ten.
SELECT epoch AS attempt, worker_id, outcome, cause, error, started_at, ended_at
  FROM watchkeeper.closed_attempts
 WHERE project_id = %(project_id)s AND seq = %(seq)s AND epoch < %(epoch)s
 ORDER BY epoch DESC LIMIT 10

-- name: job_artifacts
-- What this attempt has stored.
SELECT id, kind, name, title, url, sha256, bytes, media_type, created_at
  FROM watchkeeper.artifacts
 WHERE project_id = %(project_id)s AND seq = %(seq)s AND epoch = %(epoch)s
 ORDER BY created_at, id

-- name: job_seqs
-- The numbers of jobs by their ids.
SELECT seq, id FROM watchkeeper.job_specs
 WHERE project_id = %(project_id)s AND id = ANY (%(ids)s::uuid[])

-- name: keep_late_completion
-- Keeps, for a person, a completion that came after its lease was lost; only from one who once held it, and once.
INSERT INTO watchkeeper.reconcile_items (project_id, job_id, seq, epoch, worker_id, command, body, reason)
SELECT a.project_id, s.id, a.seq, a.epoch, a.worker_id, %(command)s, %(body)s::text::jsonb, %(reason)s
  FROM watchkeeper.closed_attempts a
  JOIN watchkeeper.job_specs s ON s.project_id = a.project_id AND s.seq = a.seq
 WHERE a.project_id = %(project_id)s AND a.seq = %(seq)s AND a.epoch = %(epoch)s
   AND (%(token_hash)s::bytea IS NULL OR a.token_hash = %(token_hash)s::bytea)
   AND NOT EXISTS (SELECT FROM watchkeeper.reconcile_items r
                    WHERE r.project_id = a.project_id AND r.seq = a.seq AND r.epoch = a.epoch AND r.command = %(command)s)
RETURNING id

-- name: keep_unknown_completion
-- The same of a claim that this database has never seen, where a restore may have lost it; up to a bound, and once.
INSERT INTO watchkeeper.reconcile_items (project_id, job_id, seq, epoch, command, body, reason)
SELECT %(project_id)s, %(job_id)s::uuid, %(seq)s::bigint, %(epoch)s, %(command)s, %(body)s::text::jsonb, %(reason)s
 WHERE EXISTS (SELECT FROM watchkeeper.restores)
   AND NOT EXISTS (SELECT FROM watchkeeper.closed_attempts a
                    WHERE a.project_id = %(project_id)s AND a.seq = %(seq)s::bigint AND a.epoch = %(epoch)s)
   AND NOT EXISTS (SELECT FROM watchkeeper.leases l
                    WHERE l.project_id = %(project_id)s AND l.seq = %(seq)s::bigint AND l.epoch = %(epoch)s)
   AND NOT EXISTS (SELECT FROM watchkeeper.reconcile_items r
                    WHERE r.project_id = %(project_id)s AND r.job_id = %(job_id)s::uuid AND r.epoch = %(epoch)s
                      AND r.command = %(command)s AND r.decided_at IS NULL)
   AND (SELECT count(*) FROM (SELECT FROM watchkeeper.reconcile_items
                               WHERE project_id = %(project_id)s AND decided_at IS NULL AND worker_id IS NULL
                               LIMIT %(most)s) unknown) < %(most)s
RETURNING id

-- name: undecided_completions
-- What came too late and waits for a person, the newest first.
SELECT id, job_id, epoch, worker_id, command, body, reason, created_at
  FROM watchkeeper.reconcile_items
 WHERE project_id = %(project_id)s AND decided_at IS NULL
 ORDER BY id DESC LIMIT %(limit)s

-- name: decide_late_completion
-- Keeps a person's verdict on what came too late; no row where it was decided, or is not there. The job stays as it is.
WITH decided AS (
  UPDATE watchkeeper.reconcile_items
     SET decision = %(verdict)s, decided_by = %(actor)s, decided_at = watchkeeper.now()
   WHERE project_id = %(project_id)s AND id = %(id)s AND decided_at IS NULL
  RETURNING id, job_id, seq, epoch, worker_id, command, decision, decided_by, decided_at
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, job_seq, epoch, reason, data)
  SELECT %(project_id)s, 'late_completion_decided', %(actor)s, seq, epoch, %(reason)s,
         jsonb_build_object('item', id, 'job', job_id, 'command', command, 'verdict', decision)
    FROM decided
)
SELECT id, job_id, epoch, worker_id, command, decision, decided_by, decided_at FROM decided

-- name: find_late_completion
-- Whether a late completion is there, and how it was decided.
SELECT decision, decided_by FROM watchkeeper.reconcile_items WHERE project_id = %(project_id)s AND id = %(id)s

-- name: audit_refused_claim
-- Notes in the trail that a contract worker asked for a second job while it worked on one.
INSERT INTO watchkeeper.audit_events (project_id, event, actor, data)
VALUES (%(project_id)s, 'claim_refused', 'worker:' || %(worker_id)s::text,
        jsonb_build_object('rule', 'multiple_primary_jobs', 'incident_id', %(incident_id)s::text,
                           'held_job', %(job_id)s::text))

-- name: add_artifact
-- Writes a stored file down as an artifact of the attempt that made it; no row for a lease that is not held.
WITH made AS MATERIALIZED (
  SELECT watchkeeper.uuid7() AS id
)
INSERT INTO watchkeeper.artifacts (id, project_id, seq, epoch, kind, name, title, url, sha256, bytes, media_type,
                                   secret_suspected)
SELECT made.id, l.project_id, l.seq, l.epoch, %(kind)s, %(name)s, %(title)s::text, 'artifact:' || made.id, %(sha256)s,
       %(bytes)s, %(media_type)s::text, %(secret_suspected)s
  FROM watchkeeper.leases l CROSS JOIN made
 WHERE l.project_id = %(project_id)s AND l.seq = %(seq)s AND l.epoch = %(epoch)s AND l.token_hash = %(token_hash)s
RETURNING id, kind, name, url, sha256, bytes

-- name: add_artifact_check
-- Keeps what one verification of a job's evidence found.
INSERT INTO watchkeeper.artifact_checks (project_id, job_id, seq, epoch, command, primary_url, http_status, file_count, files,
                                         failed, redirects, passed, output_hash, claimed_hash)
SELECT s.project_id, s.id, s.seq, %(epoch)s, %(command)s, %(primary_url)s::text, %(http_status)s::int, %(file_count)s,
       %(files)s::text::jsonb, %(failed)s::text::jsonb, %(redirects)s::text::jsonb, %(passed)s, %(output_hash)s,
       %(claimed_hash)s
  FROM watchkeeper.job_specs s WHERE s.project_id = %(project_id)s AND s.seq = %(seq)s
RETURNING id

-- name: last_verified
-- What the last verify of each of these addresses found, under one epoch.
SELECT DISTINCT ON (primary_url) primary_url, passed, files
  FROM watchkeeper.artifact_checks
 WHERE project_id = %(project_id)s AND seq = %(seq)s AND epoch = %(epoch)s AND command = 'verify'
   AND primary_url = ANY (%(urls)s::text[])
 ORDER BY primary_url, id DESC

-- name: add_snapshot
-- Names the kept bytes of a foreign file as an artifact of the attempt that they completed.
INSERT INTO watchkeeper.artifacts (project_id, seq, epoch, kind, name, title, url, sha256, bytes, media_type, is_primary,
                                   secret_suspected)
VALUES (%(project_id)s, %(seq)s, %(epoch)s, %(kind)s, %(name)s, %(title)s::text, %(url)s, %(sha256)s, %(bytes)s,
        %(media_type)s::text, %(is_primary)s, %(secret_suspected)s)

-- name: mark_primary
-- Marks the artifact that a completion rests on.
UPDATE watchkeeper.artifacts SET is_primary = (id = %(id)s::uuid)
 WHERE project_id = %(project_id)s AND seq = %(seq)s AND epoch = %(epoch)s

-- name: find_artifact
-- One artifact of a project, to hand out its bytes.
SELECT a.id, a.name, a.kind, a.sha256, a.bytes, a.media_type, a.secret_suspected, s.id AS job_id
  FROM watchkeeper.artifacts a JOIN watchkeeper.job_specs s ON s.project_id = a.project_id AND s.seq = a.seq
 WHERE a.project_id = %(project_id)s AND a.id = %(id)s::uuid

-- name: referenced_hashes
-- Which of these stored files an artifact still names.
SELECT DISTINCT sha256 FROM watchkeeper.artifacts WHERE project_id = %(project_id)s AND sha256 = ANY (%(hashes)s::text[])
