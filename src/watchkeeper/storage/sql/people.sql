-- name: ask_person
-- Writes down who is asked what, until when.
WITH asked AS (
  INSERT INTO watchkeeper.people_syncs (project_id, incident_id, proposal_id, signal_id, person, question, channel, asked_by,
                                        due_at)
  VALUES (%(project_id)s, %(incident_id)s::uuid, %(proposal_id)s::uuid, %(signal_id)s::uuid, %(person)s, %(question)s,
          %(channel)s::text, %(actor)s, %(due_at)s::timestamptz)
  RETURNING id
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, reason, data)
  SELECT %(project_id)s, 'person_asked', %(actor)s, %(reason)s::text,
         jsonb_build_object('people_sync_id', id, 'person', %(person)s::text)
    FROM asked
)
SELECT id FROM asked

-- name: list_people_syncs
-- Who was asked what, the newest first, from a cursor on; the unanswered ones alone where asked.
SELECT id, incident_id, proposal_id, signal_id, person, question, channel, asked_by, asked_at, due_at, reminded_at, answer,
       reply, answered_at, effect,
       answered_at IS NULL AND due_at < (SELECT watchkeeper.now()) AS is_overdue
  FROM watchkeeper.people_syncs
 WHERE project_id = %(project_id)s AND (%(before)s::uuid IS NULL OR id < %(before)s::uuid)
   AND (NOT %(unanswered)s OR answered_at IS NULL)
 ORDER BY id DESC LIMIT %(limit)s

-- name: find_people_sync
-- One question to a person, with the answer.
SELECT id, incident_id, proposal_id, signal_id, person, question, channel, asked_by, asked_at, due_at, reminded_at, answer,
       reply, answered_at, effect,
       answered_at IS NULL AND due_at < (SELECT watchkeeper.now()) AS is_overdue
  FROM watchkeeper.people_syncs WHERE project_id = %(project_id)s AND id = %(id)s::uuid

-- name: answer_person
-- Writes an answer down, once, with what came of it.
WITH answered AS (
  UPDATE watchkeeper.people_syncs
     SET answer = %(answer)s, reply = %(reply)s::text::jsonb, answered_at = watchkeeper.now(), effect = %(effect)s::text
   WHERE project_id = %(project_id)s AND id = %(id)s::uuid AND answered_at IS NULL
  RETURNING id
)
INSERT INTO watchkeeper.audit_events (project_id, event, actor, reason, data)
SELECT %(project_id)s, 'person_answered', %(actor)s, %(reason)s::text,
       jsonb_strip_nulls(jsonb_build_object('people_sync_id', id, 'effect', %(effect)s::text)) FROM answered
RETURNING 1

-- name: take_overdue_people
-- Questions whose time is over, each to be reminded of once.
WITH taken AS (
  UPDATE watchkeeper.people_syncs SET reminded_at = watchkeeper.now()
   WHERE (project_id, id) IN (SELECT project_id, id FROM watchkeeper.people_syncs
                               WHERE answered_at IS NULL AND reminded_at IS NULL
                                 AND due_at <= (SELECT watchkeeper.now())
                               ORDER BY due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
  RETURNING project_id, id, person, question, channel, due_at, incident_id
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, data)
  SELECT project_id, 'person_reminded', 'system:people', jsonb_build_object('people_sync_id', id) FROM taken
)
SELECT project_id, id, person, question, channel, due_at, incident_id FROM taken

-- name: next_overdue_person
-- In how many seconds the next question is overdue; NULL for none.
SELECT extract(epoch FROM min(due_at) - (SELECT watchkeeper.now()))::float8 AS seconds FROM watchkeeper.people_syncs
 WHERE answered_at IS NULL AND reminded_at IS NULL
