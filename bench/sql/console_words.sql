-- What people and workers wrote: $1 each of proposals, questions, signals and lessons, and twenty times as many heartbeats.
WITH proposals AS (
  INSERT INTO watchkeeper.proposals (project_id, kind, fingerprint, problem, decision, options, recommendation, reasoning, author)
  SELECT 'watched', 'missing_worker_kind', 'p' || n, 'Nobody takes the kind.', 'Start a worker.', '["start", "stop"]', 'start',
         'It waits.', 'system' FROM generate_series(1, $1::bigint) n
), questions AS (
  INSERT INTO watchkeeper.people_syncs (project_id, person, question, asked_by, due_at)
  SELECT 'watched', 'lin', 'May it be released?', 'principal:chen', now() + interval '1 day' FROM generate_series(1, $1::bigint) n
), signals AS (
  INSERT INTO watchkeeper.signals (project_id, source, topic_key, text)
  SELECT 'watched', 'mail', 'topic-' || n % 20, 'A customer asks for the page.' FROM generate_series(1, $1::bigint) n
), lessons AS (
  INSERT INTO watchkeeper.lessons (project_id, topic_key, learned, author)
  SELECT 'watched', 'topic-' || n % 20, ARRAY['Look at the fixtures first.'], 'worker:w1' FROM generate_series(1, $1::bigint) n
)
INSERT INTO watchkeeper.worker_heartbeats (project_id, worker_id, status, doctor_ok, touch_ok, claim_ok)
SELECT 'watched', 'w' || n % 200, 'ok', true, true, true FROM generate_series(1, 20 * $1::bigint) n
