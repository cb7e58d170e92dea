-- name: add_lesson
-- Keeps what was learnt, proposed unless somebody publishes it at once; the same document is kept once.
WITH made AS (
  INSERT INTO watchkeeper.lessons (project_id, ai_native_project_id, job_id, incident_id, topic_key, learned,
                                   next_worker_should_check, assumptions_to_test, next_round, upgrade_trigger, kind, rule,
                                   route_kind, route_pool, author, document, digest, published_by, published_at)
  VALUES (%(project_id)s, %(ai_native_project_id)s::text, %(job_id)s::uuid, %(incident_id)s::uuid, %(topic_key)s::text,
          %(learned)s::text[], %(next_worker_should_check)s::text[], %(assumptions_to_test)s::text[],
          %(next_round)s::text[], %(upgrade_trigger)s::text, %(kind)s::text, %(rule)s::text, %(route_kind)s::text,
          %(route_pool)s::text, %(actor)s, %(document)s::text::jsonb, %(digest)s, %(published_by)s::text,
          CASE WHEN %(published_by)s::text IS NOT NULL THEN watchkeeper.now() END)
  ON CONFLICT (project_id, digest) DO UPDATE SET digest = excluded.digest
  RETURNING id, xmax = 0 AS is_new
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, new_state, reason, data)
  SELECT %(project_id)s, CASE WHEN %(published_by)s::text IS NULL THEN 'lesson_proposed' ELSE 'lesson_published' END,
         %(actor)s, CASE WHEN %(published_by)s::text IS NULL THEN 'proposed' ELSE 'published' END, %(reason)s::text,
         jsonb_build_object('lesson_id', id) FROM made WHERE is_new
)
SELECT id, is_new FROM made

-- name: list_lessons
-- Lessons of a project, the newest first, from a cursor on; of one state, topic or kind where asked.
SELECT l.id, l.topic_key, l.kind, l.rule, l.learned, l.next_worker_should_check, l.upgrade_trigger, l.route_kind, l.route_pool,
       l.author, s.state, l.published_by, l.published_at, l.confirmed, l.refuted, l.created_at
  FROM watchkeeper.lessons l
 CROSS JOIN LATERAL (SELECT CASE WHEN l.retired_at IS NOT NULL THEN 'retired' WHEN l.published_at IS NOT NULL THEN 'published'
                                 ELSE 'proposed' END AS state) s
 WHERE l.project_id = %(project_id)s AND (%(before)s::uuid IS NULL OR l.id < %(before)s::uuid)
   AND (%(state)s::text IS NULL OR s.state = %(state)s::text)
   AND (%(topic_key)s::text IS NULL OR l.topic_key = %(topic_key)s::text)
   AND (%(kind)s::text IS NULL OR l.kind = %(kind)s::text)
 ORDER BY l.id DESC LIMIT %(limit)s

-- name: find_lesson
-- One lesson with all that it says, and to how many attempts it was handed.
SELECT l.id, l.ai_native_project_id, l.job_id, l.incident_id, l.topic_key, l.kind, l.rule, l.learned,
       l.next_worker_should_check, l.assumptions_to_test, l.next_round, l.upgrade_trigger, l.route_kind, l.route_pool,
       l.author, l.document,
       CASE WHEN l.retired_at IS NOT NULL THEN 'retired' WHEN l.published_at IS NOT NULL THEN 'published'
            ELSE 'proposed' END AS state,
       l.published_by, l.published_at, l.retired_by, l.retired_at, l.retire_reason, l.confirmed, l.refuted, l.created_at,
       (SELECT count(*) FROM watchkeeper.lesson_uses u WHERE u.project_id = l.project_id AND u.lesson_id = l.id) AS handed
  FROM watchkeeper.lessons l WHERE l.project_id = %(project_id)s AND l.id = %(id)s::uuid

-- name: publish_lesson
-- Lets a proposed or retired lesson be handed out.
WITH published AS (
  UPDATE watchkeeper.lessons
     SET published_by = %(actor)s, published_at = watchkeeper.now(), retired_by = NULL, retired_at = NULL, retire_reason = NULL
   WHERE project_id = %(project_id)s AND id = %(id)s::uuid AND (published_at IS NULL OR retired_at IS NOT NULL)
  RETURNING id
)
INSERT INTO watchkeeper.audit_events (project_id, event, actor, new_state, reason, data)
SELECT %(project_id)s, 'lesson_published', %(actor)s, 'published', %(reason)s::text, jsonb_build_object('lesson_id', id)
  FROM published
RETURNING 1

-- name: retire_lesson
-- Lets a lesson be handed out no more.
WITH retired AS (
  UPDATE watchkeeper.lessons
     SET retired_by = %(actor)s, retired_at = watchkeeper.now(), retire_reason = %(reason)s::text
   WHERE project_id = %(project_id)s AND id = %(id)s::uuid AND retired_at IS NULL
  RETURNING id
)
INSERT INTO watchkeeper.audit_events (project_id, event, actor, new_state, reason, data)
SELECT %(project_id)s, 'lesson_retired', %(actor)s, 'retired', %(reason)s::text, jsonb_build_object('lesson_id', id)
  FROM retired
RETURNING 1

-- name: lessons_for_job
-- Published lessons for the worker of a job: those of its topic and its kind first, the best proven before others.
WITH asked AS (
  SELECT s.kind, coalesce((SELECT g.topic_key FROM watchkeeper.signals g
                            WHERE g.project_id = s.project_id AND g.job_id = s.id LIMIT 1),
                          s.payload ->> 'topic_key') AS topic_key
    FROM watchkeeper.job_specs s WHERE s.project_id = %(project_id)s AND s.seq = %(seq)s
)
SELECT l.id, l.topic_key, l.kind, l.learned, l.next_worker_should_check, l.assumptions_to_test, l.next_round, l.author,
       l.confirmed, l.refuted
  FROM watchkeeper.lessons l CROSS JOIN asked a
 WHERE l.project_id = %(project_id)s AND l.published_at IS NOT NULL AND l.retired_at IS NULL
   AND (l.topic_key IS NULL OR l.topic_key = a.topic_key) AND (l.kind IS NULL OR l.kind = a.kind)
   AND NOT (l.refuted >= %(refuted_enough)s AND l.refuted > l.confirmed)
 ORDER BY (l.topic_key IS NOT NULL)::int + (l.kind IS NOT NULL)::int DESC, l.confirmed - l.refuted DESC, l.id DESC
 LIMIT %(most)s

-- name: note_lesson_uses
-- Writes down which lessons an attempt was handed.
INSERT INTO watchkeeper.lesson_uses (project_id, lesson_id, job_id, seq, epoch)
SELECT %(project_id)s, lesson, %(job_id)s::uuid, %(seq)s, %(epoch)s FROM unnest(%(lessons)s::uuid[]) lesson
ON CONFLICT DO NOTHING

-- name: judge_lesson_uses
-- Holds lessons to the ends of attempts that were handed them: confirmed by verified work, refuted by trouble of the very
-- rule that the lesson is about. That trouble is found a moment after the end; shadow jobs prove nothing.
WITH over AS (
  SELECT u.project_id, u.lesson_id, u.seq, u.epoch,
         CASE WHEN s.is_shadow THEN 'neither'
              WHEN a.outcome = 'completed' AND o.verified = 'artifact' THEN 'confirmed'
              WHEN a.outcome IN ('failed', 'stuck', 'paused', 'lost')
                   AND EXISTS (SELECT FROM watchkeeper.watchdog_incidents i
                                WHERE i.project_id = u.project_id AND i.job_id = u.job_id AND i.rule = l.rule
                                  AND i.last_seen_at >= u.handed_at) THEN 'refuted'
              ELSE 'neither' END AS verdict
    FROM watchkeeper.lesson_uses u
    JOIN watchkeeper.lessons l ON l.project_id = u.project_id AND l.id = u.lesson_id
    JOIN watchkeeper.job_specs s ON s.project_id = u.project_id AND s.seq = u.seq
    JOIN watchkeeper.closed_attempts a ON a.project_id = u.project_id AND a.seq = u.seq AND a.epoch = u.epoch
    LEFT JOIN watchkeeper.job_outcomes o ON o.project_id = u.project_id AND o.seq = u.seq AND o.epoch = u.epoch
   WHERE u.judged_at IS NULL
     AND (a.outcome = 'completed' OR a.ended_at <= (SELECT watchkeeper.now()) - make_interval(secs => %(grace)s::float8))
   LIMIT %(limit)s FOR UPDATE OF u SKIP LOCKED
), judged AS (
  UPDATE watchkeeper.lesson_uses u SET verdict = over.verdict, judged_at = watchkeeper.now()
    FROM over
   WHERE u.project_id = over.project_id AND u.lesson_id = over.lesson_id AND u.seq = over.seq AND u.epoch = over.epoch
  RETURNING u.project_id, u.lesson_id, u.verdict
), tally AS (
  SELECT project_id, lesson_id, count(*) FILTER (WHERE verdict = 'confirmed') AS confirmed,
         count(*) FILTER (WHERE verdict = 'refuted') AS refuted
    FROM judged GROUP BY 1, 2
), counted AS (
  UPDATE watchkeeper.lessons l SET confirmed = l.confirmed + t.confirmed, refuted = l.refuted + t.refuted
    FROM tally t WHERE l.project_id = t.project_id AND l.id = t.lesson_id AND t.confirmed + t.refuted > 0
)
SELECT count(*) AS judged, count(*) FILTER (WHERE verdict = 'confirmed') AS confirmed,
       count(*) FILTER (WHERE verdict = 'refuted') AS refuted
  FROM judged

-- name: take_unlearnt_incidents
-- Incidents that were resolved and have taught nothing yet, each for one process. A symptom teaches nothing beside its cause.
WITH taken AS (
  UPDATE watchkeeper.watchdog_incidents SET learnt_at = watchkeeper.now()
   WHERE (project_id, id) IN (SELECT project_id, id FROM watchkeeper.watchdog_incidents
                               WHERE state = 'resolved' AND learnt_at IS NULL
                               ORDER BY resolved_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
  RETURNING project_id, id, rule, job_id, cause_id
)
SELECT t.project_id, t.id, t.rule, t.job_id, s.kind,
       (SELECT g.topic_key FROM watchkeeper.signals g
         WHERE g.project_id = s.project_id AND g.job_id = s.id LIMIT 1) AS topic_key,
       t.cause_id IS NOT NULL AS is_symptom
  FROM taken t
  LEFT JOIN watchkeeper.job_specs s ON s.project_id = t.project_id AND s.id = t.job_id

-- name: lesson_route
-- Where signals of a topic go by what was published: the best proven route.
SELECT id, route_kind, route_pool FROM watchkeeper.lessons
 WHERE project_id = %(project_id)s AND topic_key = %(topic_key)s AND published_at IS NOT NULL AND retired_at IS NULL
   AND (route_kind IS NOT NULL OR route_pool IS NOT NULL)
 ORDER BY confirmed - refuted DESC, id DESC LIMIT 1
