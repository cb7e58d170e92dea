-- name: lock_reported_job
-- A job by its id, or of one origin by its foreign id; held against other reports of it.
SELECT seq FROM watchkeeper.job_specs
 WHERE project_id = %(project_id)s
   AND (id = %(id)s::uuid OR (origin = %(origin)s AND external_id = %(external_id)s))
 ORDER BY id = %(id)s::uuid DESC NULLS LAST LIMIT 1
   FOR NO KEY UPDATE

-- name: reported_job
-- Where a job stands and what its live attempt was last seen to do.
SELECT s.id, s.seq, s.origin, s.external_id, s.kind, m.state, o.state AS ended,
       coalesce(m.epoch, o.epoch, 0) AS epoch, f.epoch AS live_epoch, f.worker_id, f.attempt_id, f.phase,
       f.lease_expires_at,
       (SELECT array_agg(a.attempt_id) FROM watchkeeper.foreign_leases a
         WHERE a.project_id = s.project_id AND a.seq = s.seq AND a.attempt_id IS NOT NULL) AS attempt_ids,
       (SELECT e.exit_code <> 0 OR e.error_code IS NOT NULL FROM watchkeeper.helper_events e
         WHERE e.project_id = s.project_id AND e.job_id = s.id AND e.command = 'complete'
           AND e.error_code IS DISTINCT FROM 'queued' AND e.created_at >= coalesce(f.claimed_at, s.created_at)
         ORDER BY e.id DESC LIMIT 1) AS complete_failed
  FROM watchkeeper.job_specs s
  LEFT JOIN watchkeeper.mirrored_jobs m ON m.project_id = s.project_id AND m.seq = s.seq
  LEFT JOIN watchkeeper.job_outcomes o ON o.project_id = s.project_id AND o.seq = s.seq
  LEFT JOIN watchkeeper.foreign_leases f ON f.project_id = s.project_id AND f.seq = s.seq AND f.ended_at IS NULL
 WHERE s.project_id = %(project_id)s AND s.seq = %(seq)s

-- name: add_mirrored_job
-- Makes a job of a foreign queue known, pending there; no row where another report was first.
WITH spec AS (
  INSERT INTO watchkeeper.job_specs (project_id, kind, external_id, origin, retry_of, enqueued_by)
  VALUES (%(project_id)s, %(kind)s, %(external_id)s, %(origin)s, %(retry_of)s::uuid, %(actor)s)
  ON CONFLICT (project_id, origin, external_id) WHERE external_id IS NOT NULL DO NOTHING
  RETURNING seq, id
), mirrored AS (
  INSERT INTO watchkeeper.mirrored_jobs (project_id, seq, job_id, origin, external_id, kind, state)
  SELECT %(project_id)s, seq, id, %(origin)s, %(external_id)s, %(kind)s, 'pending' FROM spec
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, job_seq, new_state, data)
  SELECT %(project_id)s, 'job_mirrored', %(actor)s, seq, 'pending',
         jsonb_build_object('origin', %(origin)s::text, 'external_id', %(external_id)s::text) FROM spec
)
SELECT seq FROM spec

-- name: retire_foreign_id
-- Gives the foreign id of an ended job free for the next one: its attempts keep it.
UPDATE watchkeeper.job_specs SET external_id = NULL WHERE project_id = %(project_id)s AND seq = %(seq)s

-- name: name_mirrored_kind
-- Names the kind of a job that was first seen without one.
WITH named AS (
  UPDATE watchkeeper.mirrored_jobs SET kind = %(kind)s WHERE project_id = %(project_id)s AND seq = %(seq)s
), lease AS (
  UPDATE watchkeeper.foreign_leases SET kind = %(kind)s WHERE project_id = %(project_id)s AND seq = %(seq)s
)
UPDATE watchkeeper.job_specs SET kind = %(kind)s WHERE project_id = %(project_id)s AND seq = %(seq)s

-- name: open_foreign_lease
-- Begins another attempt at a mirrored job; one that was still open is lost.
WITH before AS (
  SELECT state FROM watchkeeper.mirrored_jobs WHERE project_id = %(project_id)s AND seq = %(seq)s
), running AS (
  UPDATE watchkeeper.mirrored_jobs
     SET state = 'running', state_reason = NULL, detail = NULL, held_by = NULL, epoch = epoch + 1,
         state_since = watchkeeper.now()
   WHERE project_id = %(project_id)s AND seq = %(seq)s
  RETURNING *
), opened AS (
  INSERT INTO watchkeeper.foreign_leases (project_id, seq, epoch, job_id, origin, external_id, kind, worker_id, attempt_id)
  SELECT project_id, seq, epoch, job_id, origin, external_id, kind, %(worker_id)s, %(attempt_id)s::text FROM running
  RETURNING epoch
), moved AS (
  UPDATE watchkeeper.foreign_queues q SET moved_at = watchkeeper.now()
    FROM running r WHERE q.project_id = r.project_id AND q.origin = r.origin AND q.kind = r.kind
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, job_seq, epoch, old_state, new_state, data)
  SELECT r.project_id, 'job_claimed', %(actor)s, r.seq, r.epoch, b.state, 'running',
         jsonb_build_object('origin', r.origin, 'worker_id', %(worker_id)s::text) FROM running r, before b
)
SELECT epoch FROM opened

-- name: end_foreign_lease
-- Ends the open attempt at a mirrored job.
UPDATE watchkeeper.foreign_leases
   SET ended_at = watchkeeper.now(), received_at = watchkeeper.now(), outcome = %(outcome)s, cause = %(cause)s::text
 WHERE project_id = %(project_id)s AND seq = %(seq)s AND ended_at IS NULL
RETURNING epoch

-- name: note_foreign_lease
-- Keeps what was reported of an attempt. How long a lease lasts is counted once for each expiry; progress is a phase that
-- was not there before.
UPDATE watchkeeper.foreign_leases
   SET attempt_id = coalesce(%(attempt_id)s::text, attempt_id),
       progress_at = CASE WHEN %(phase)s::text IS DISTINCT FROM phase AND %(phase)s::text IS NOT NULL
                          THEN watchkeeper.now() ELSE progress_at END,
       phase = coalesce(%(phase)s::text, phase),
       lease_seconds = CASE WHEN %(lease_expires_at)s::timestamptz IS DISTINCT FROM lease_expires_at
                                 AND %(lease_expires_at)s::timestamptz IS NOT NULL
                            THEN greatest(0, extract(epoch FROM %(lease_expires_at)s::timestamptz - watchkeeper.now()))
                            ELSE lease_seconds END,
       lease_expires_at = coalesce(%(lease_expires_at)s::timestamptz, lease_expires_at),
       last_heartbeat_at = coalesce(%(last_heartbeat_at)s::timestamptz, watchkeeper.now()),
       primary_artifact_ref = coalesce(%(primary_artifact_ref)s::text, primary_artifact_ref),
       complete_status = coalesce(%(complete_status)s::text, complete_status),
       error_code = CASE WHEN %(complete_status)s::text IS NULL THEN coalesce(%(error_code)s::text, error_code)
                         ELSE %(error_code)s::text END,
       error_message = CASE WHEN %(complete_status)s::text IS NULL THEN coalesce(%(error_message)s::text, error_message)
                            ELSE %(error_message)s::text END,
       received_at = watchkeeper.now()
 WHERE project_id = %(project_id)s AND seq = %(seq)s AND ended_at IS NULL
RETURNING epoch

-- name: tell_watchdog_of_word
-- Notes for the watchdog that the report of an attempt named an error.
INSERT INTO watchkeeper.watchdog_inbox (project_id, family, seq, epoch)
VALUES (%(project_id)s, 'word', %(seq)s, %(epoch)s)

-- name: move_mirrored_job
-- Moves a mirrored job that has not ended: it is pending, stuck or paused there, or runs on.
WITH before AS (
  SELECT state FROM watchkeeper.mirrored_jobs WHERE project_id = %(project_id)s AND seq = %(seq)s
), moved AS (
  UPDATE watchkeeper.mirrored_jobs
     SET state = %(state)s, state_reason = %(state_reason)s::text, detail = %(detail)s::text::jsonb,
         held_by = CASE WHEN %(state)s IN ('stuck', 'paused') THEN %(actor)s::text END, state_since = watchkeeper.now()
   WHERE project_id = %(project_id)s AND seq = %(seq)s
     AND (state <> %(state)s OR state_reason IS DISTINCT FROM %(state_reason)s::text)
  RETURNING seq, epoch, origin
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, job_seq, epoch, old_state, new_state, reason, data)
  SELECT %(project_id)s, %(event)s, %(actor)s, m.seq, m.epoch, b.state, %(state)s, %(reason)s::text,
         jsonb_build_object('origin', m.origin, 'state_reason', %(state_reason)s::text) FROM moved m, before b
)
SELECT seq FROM moved

-- name: end_mirrored_job
-- Takes a mirrored job to its end. It is verified where the last check of its last attempt passed.
WITH ended AS (
  DELETE FROM watchkeeper.mirrored_jobs WHERE project_id = %(project_id)s AND seq = %(seq)s
  RETURNING project_id, seq, epoch, origin, state
), checked AS (
  SELECT coalesce((SELECT c.passed FROM watchkeeper.artifact_checks c JOIN ended e
                      ON c.project_id = e.project_id AND c.seq = e.seq AND c.epoch = e.epoch
                    ORDER BY c.id DESC LIMIT 1), false) AS passed
), outcome AS (
  INSERT INTO watchkeeper.job_outcomes (project_id, seq, state, state_reason, code, verified, summary, epoch, finished_at)
  SELECT e.project_id, e.seq, %(state)s, %(state_reason)s::text, %(code)s::text,
         CASE WHEN %(state)s <> 'completed' THEN NULL WHEN c.passed THEN 'artifact' ELSE 'none' END,
         %(summary)s::text, e.epoch, watchkeeper.now() FROM ended e, checked c
  RETURNING verified
), told_watchdog AS (
  INSERT INTO watchkeeper.watchdog_inbox (project_id, family, seq, epoch)
  SELECT e.project_id, 'outcome', e.seq, e.epoch FROM ended e, outcome o WHERE o.verified = 'none'
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, job_seq, epoch, old_state, new_state, reason, data)
  SELECT e.project_id, %(event)s, %(actor)s, e.seq, e.epoch, e.state, %(state)s, %(reason)s::text,
         jsonb_build_object('origin', e.origin, 'verified', o.verified) FROM ended e, outcome o
)
SELECT verified FROM outcome

-- name: foreign_lease
-- The open lease of a mirrored job, as the readers' view shows it.
SELECT l.worker_id, l.epoch AS attempt, l.phase, l.claimed_at, l.lease_expires_at, l.last_heartbeat_at, l.received_at,
       l.risk_level
  FROM watchkeeper.job_specs s
  JOIN watchkeeper.job_leases l ON l.project_id = s.project_id AND l.job_id = s.id
 WHERE s.project_id = %(project_id)s AND s.seq = %(seq)s
