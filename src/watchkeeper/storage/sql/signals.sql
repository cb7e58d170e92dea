-- name: next_signal_id
-- An id for a signal that is about to be kept, since the job that it becomes names it.
SELECT watchkeeper.uuid7() AS id

-- name: signal_kinds
-- The kinds of a project, and those that living workers of a pool declare.
SELECT ARRAY(SELECT kind FROM watchkeeper.job_kinds WHERE project_id = %(project_id)s AND kind = %(topic_key)s) AS declared,
       ARRAY(SELECT DISTINCT k FROM watchkeeper.workers w CROSS JOIN unnest(w.kinds) k
              WHERE w.project_id = %(project_id)s AND w.pool = %(pool)s::text AND w.gone_at IS NULL
                AND w.stopped_at IS NULL) AS pool_kinds

-- name: kind_is_declared
-- Whether somebody declared a kind, and so said what it must produce.
SELECT EXISTS (SELECT FROM watchkeeper.job_kinds
                WHERE project_id = %(project_id)s AND kind = %(kind)s AND declared) AS declared

-- name: keep_signal
-- Keeps a signal with the job that it became.
WITH kept AS (
  INSERT INTO watchkeeper.signals (id, project_id, source, topic_key, text, evidence_ref, related_people, related_projects,
                                   annotations, persona, job_id, received_by, route)
  VALUES (%(id)s::uuid, %(project_id)s, %(source)s, %(topic_key)s, %(text)s, %(evidence_ref)s::text, %(related_people)s::text[],
          %(related_projects)s::text[], %(annotations)s::text::jsonb, %(persona)s::text, %(job_id)s::uuid, %(actor)s,
          %(route)s::text::jsonb)
  RETURNING id, job_id
)
INSERT INTO watchkeeper.audit_events (project_id, event, actor, reason, data)
SELECT %(project_id)s, 'signal_received', %(actor)s, %(reason)s::text, jsonb_build_object('signal_id', id, 'job_id', job_id) FROM kept
RETURNING 1

-- name: list_signals
-- Signals of projects, the newest first, from a cursor on; of one topic where asked.
SELECT id, project_id, source, topic_key, text, evidence_ref, related_people, related_projects, persona, job_id, route, adoption, value,
       received_by, received_at
  FROM watchkeeper.signals
 WHERE project_id = ANY (%(projects)s::text[]) AND (%(before)s::uuid IS NULL OR id < %(before)s::uuid)
   AND (%(topic_key)s::text IS NULL OR topic_key = %(topic_key)s::text)
 ORDER BY id DESC LIMIT %(limit)s

-- name: find_signal
-- One signal with all that it says.
SELECT id, source, topic_key, text, evidence_ref, related_people, related_projects, annotations, persona, job_id, route,
       adoption, adoption_ref, adopted_by, adopted_at, value, value_ref, valued_by, valued_at, received_by, received_at
  FROM watchkeeper.signals WHERE project_id = %(project_id)s AND id = %(id)s::uuid

-- name: signal_chain
-- A signal and what came of it, by the last of the jobs that it became: a job that was tried again is followed.
WITH RECURSIVE tried AS (
  SELECT s.project_id, s.seq, s.id, 0 AS depth
    FROM watchkeeper.signals g
    JOIN watchkeeper.job_specs s ON s.project_id = g.project_id AND s.id = g.job_id
   WHERE g.project_id = %(project_id)s AND g.id = %(id)s::uuid
  UNION ALL
  SELECT s.project_id, s.seq, s.id, t.depth + 1
    FROM tried t JOIN watchkeeper.job_specs s ON s.project_id = t.project_id AND s.retry_of = t.id
   WHERE t.depth < 100
), last AS (
  SELECT j.* FROM watchkeeper.jobs j
   WHERE j.project_id = %(project_id)s AND j.seq = (SELECT seq FROM tried ORDER BY seq DESC LIMIT 1)
), trouble AS (
  SELECT count(*) AS incident_count, count(*) FILTER (WHERE i.state <> 'resolved') AS open_incidents,
         coalesce((array_agg(i.id ORDER BY i.id DESC))[1:20], '{}') AS incidents
    FROM watchkeeper.watchdog_incidents i
   WHERE i.project_id = %(project_id)s AND i.job_id IN (SELECT id FROM tried)
)
SELECT g.id, g.topic_key, g.persona, g.text, g.evidence_ref, g.received_at, coalesce(j.id, g.job_id) AS job_id,
       j.state AS job_state, j.state_reason, j.summary, j.verified, j.finished_at, a.url AS artifact_url, c.id AS check_id,
       (SELECT count(*) FROM watchkeeper.job_attempts t
         WHERE t.project_id = g.project_id AND t.seq IN (SELECT seq FROM tried)) AS attempts,
       x.incident_count, x.open_incidents, x.incidents,
       g.adoption, g.adoption_ref, g.adopted_by, g.adopted_at, g.value, g.value_ref, g.valued_by, g.valued_at
  FROM watchkeeper.signals g
 CROSS JOIN trouble x
  LEFT JOIN last j ON true
  LEFT JOIN LATERAL (SELECT url FROM watchkeeper.artifacts f
                      WHERE f.project_id = j.project_id AND f.seq = j.seq AND f.epoch = j.epoch AND f.is_primary
                      LIMIT 1) a ON true
  LEFT JOIN LATERAL (SELECT k.id FROM watchkeeper.artifact_checks k
                      WHERE k.project_id = j.project_id AND k.job_id = j.id AND k.passed
                      ORDER BY k.id DESC LIMIT 1) c ON true
 WHERE g.project_id = %(project_id)s AND g.id = %(id)s::uuid

-- name: tell_signal_adoption
-- Writes down that people use what a signal led to.
WITH told AS (
  UPDATE watchkeeper.signals
     SET adoption = %(text)s, adoption_ref = %(evidence_ref)s::text, adopted_by = %(actor)s, adopted_at = watchkeeper.now()
   WHERE project_id = %(project_id)s AND id = %(id)s::uuid
  RETURNING id
)
INSERT INTO watchkeeper.audit_events (project_id, event, actor, reason, data)
SELECT %(project_id)s, 'signal_adopted', %(actor)s, coalesce(%(reason)s::text, %(text)s), jsonb_build_object('signal_id', id) FROM told
RETURNING 1

-- name: tell_signal_value
-- Writes down what a signal was worth in the end.
WITH told AS (
  UPDATE watchkeeper.signals
     SET value = %(text)s, value_ref = %(evidence_ref)s::text, valued_by = %(actor)s, valued_at = watchkeeper.now()
   WHERE project_id = %(project_id)s AND id = %(id)s::uuid
  RETURNING id
)
INSERT INTO watchkeeper.audit_events (project_id, event, actor, reason, data)
SELECT %(project_id)s, 'signal_valued', %(actor)s, coalesce(%(reason)s::text, %(text)s), jsonb_build_object('signal_id', id) FROM told
RETURNING 1
