-- name: propose
-- Puts a proposal before people; one that is undecided under the same fingerprint is counted once more instead.
WITH made AS (
  INSERT INTO watchkeeper.proposals AS p (project_id, kind, fingerprint, incident_id, job_id, problem, decision, options,
                                          recommendation, reasoning, landing_path, feedback_if_rejected, author, subject)
  VALUES (%(project_id)s, %(kind)s, %(fingerprint)s::text, %(incident_id)s::uuid, %(job_id)s::uuid, %(problem)s, %(decision)s,
          %(options)s::text::jsonb, %(recommendation)s, %(reasoning)s, %(landing_path)s::text,
          %(feedback_if_rejected)s::text, %(actor)s, %(subject)s::text::jsonb)
  ON CONFLICT (project_id, fingerprint) WHERE decided_at IS NULL
     DO UPDATE SET occurrences = p.occurrences + 1, last_seen_at = watchkeeper.now()
  RETURNING id, occurrences = 1 AS is_new
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, new_state, reason, data)
  SELECT %(project_id)s, 'proposal_produced', %(actor)s, 'proposed', %(reason)s::text,
         jsonb_build_object('proposal_id', id, 'kind', %(kind)s::text) FROM made WHERE is_new
)
SELECT id, is_new FROM made

-- name: list_proposals
-- Proposals of a project, the newest first, from a cursor on; undecided ones alone where asked.
SELECT id, kind, incident_id, job_id, problem, decision, recommendation, adoption_status, author, occurrences, last_seen_at,
       decided_by, decided_at, created_at
  FROM watchkeeper.proposals
 WHERE project_id = %(project_id)s AND (%(before)s::uuid IS NULL OR id < %(before)s::uuid)
   AND (%(status)s::text IS NULL OR adoption_status = %(status)s::text)
 ORDER BY id DESC LIMIT %(limit)s

-- name: find_proposal
-- One proposal with all that it says.
SELECT id, kind, fingerprint, incident_id, job_id, problem, decision, options, recommendation, reasoning, adoption_status,
       landing_path, feedback_if_rejected, feedback, author, subject, occurrences, last_seen_at, effect, decided_by,
       decided_at, undone_by, undone_at, created_at
  FROM watchkeeper.proposals WHERE project_id = %(project_id)s AND id = %(id)s::uuid

-- name: lock_proposal
-- The same, and nobody else decides it before the end of the transaction.
SELECT id, kind, adoption_status, subject, effect
  FROM watchkeeper.proposals WHERE project_id = %(project_id)s AND id = %(id)s::uuid FOR UPDATE

-- name: decide_proposal
-- Writes a decision down, with what it changed.
WITH decided AS (
  UPDATE watchkeeper.proposals
     SET adoption_status = %(status)s, decided_by = %(actor)s, decided_at = watchkeeper.now(), feedback = %(reason)s::text,
         effect = %(effect)s::text::jsonb
   WHERE project_id = %(project_id)s AND id = %(id)s::uuid AND decided_at IS NULL
  RETURNING id, kind
)
INSERT INTO watchkeeper.audit_events (project_id, event, actor, old_state, new_state, reason, data)
SELECT %(project_id)s, %(event)s, %(actor)s, 'proposed', %(status)s, %(reason)s::text,
       jsonb_strip_nulls(jsonb_build_object('proposal_id', id, 'kind', kind, 'effect', %(effect)s::text::jsonb))
  FROM decided
RETURNING 1

-- name: undo_proposal
-- Writes down that what an accepted proposal changed was taken back.
WITH undone AS (
  UPDATE watchkeeper.proposals SET adoption_status = 'undone', undone_by = %(actor)s, undone_at = watchkeeper.now()
   WHERE project_id = %(project_id)s AND id = %(id)s::uuid AND adoption_status = 'accepted'
  RETURNING id, kind, effect
)
INSERT INTO watchkeeper.audit_events (project_id, event, actor, old_state, new_state, reason, data)
SELECT %(project_id)s, 'proposal_undone', %(actor)s, 'accepted', 'undone', %(reason)s::text,
       jsonb_build_object('proposal_id', id, 'kind', kind, 'effect', effect) FROM undone
RETURNING 1

-- name: withdraw_proposal
-- Ends the undecided proposal of a fingerprint, since what it was about is over.
WITH withdrawn AS (
  UPDATE watchkeeper.proposals
     SET adoption_status = 'withdrawn', decided_by = %(actor)s, decided_at = watchkeeper.now(), feedback = %(reason)s
   WHERE project_id = %(project_id)s AND fingerprint = %(fingerprint)s AND decided_at IS NULL
  RETURNING id, kind
)
INSERT INTO watchkeeper.audit_events (project_id, event, actor, old_state, new_state, reason, data)
SELECT %(project_id)s, 'proposal_withdrawn', %(actor)s, 'proposed', 'withdrawn', %(reason)s,
       jsonb_build_object('proposal_id', id, 'kind', kind) FROM withdrawn
RETURNING 1
