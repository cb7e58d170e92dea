-- name: session_holder
-- Who holds an attempt, or held it: by its lease token, also after its end, or by a job token while the lease lives. Nothing is renewed.
SELECT l.worker_id FROM watchkeeper.leases l
 WHERE l.project_id = %(project_id)s AND l.seq = %(seq)s AND l.epoch = %(epoch)s
   AND (%(token_hash)s::bytea IS NULL OR l.token_hash = %(token_hash)s::bytea)
UNION ALL
SELECT a.worker_id FROM watchkeeper.closed_attempts a
 WHERE a.project_id = %(project_id)s AND a.seq = %(seq)s AND a.epoch = %(epoch)s AND a.token_hash = %(token_hash)s::bytea

-- name: foreign_session_holder
-- The attempt at a mirrored job that is known by this name; an ended one too.
SELECT f.job_id, f.epoch, f.worker_id FROM watchkeeper.foreign_leases f
 WHERE f.project_id = %(project_id)s AND f.seq = %(seq)s AND f.attempt_id = %(attempt_id)s
 ORDER BY f.epoch DESC LIMIT 1

-- name: tell_session
-- Begins a session of an attempt, or notes how it stands now; what is not told stays. Tokens and cost only rise.
INSERT INTO watchkeeper.agent_sessions AS a
  (project_id, job_id, epoch, told_by, number, worker_id, agent, cli_version, thread_id, transcript, workspace, host_id, boot_id,
   pid_ns, pid, start_ticks, exit_code, exit_signal, failure_class, tokens_used, cost, state, standing, diagnosis, diagnosed_at,
   turns, restarts, unknown_kinds, left_processes, swept_at, interrupted_at, started_at, last_event_at, ended_at, heard_at,
   events_dropped)
SELECT %(project_id)s, %(job_id)s::uuid, %(epoch)s, %(told_by)s, %(number)s, %(worker_id)s, coalesce(%(agent)s::text, 'unknown'),
       %(cli_version)s::text, %(thread_id)s::text, %(transcript)s::text, %(workspace)s::text, %(host_id)s::text, %(boot_id)s::text,
       %(pid_ns)s::text, %(pid)s::integer, %(start_ticks)s::bigint, %(exit_code)s::integer, %(exit_signal)s::integer,
       %(failure_class)s::text, %(tokens)s::bigint, %(cost)s::float8::numeric, %(state)s::text, %(standing)s::text::jsonb,
       %(diagnosis)s::text::jsonb, CASE WHEN %(diagnosis)s::text IS NOT NULL THEN c.now END,
       coalesce(%(turns)s::integer, 0), coalesce(%(restarts)s::integer, 0), %(unknown)s::text::jsonb, %(left)s::text::jsonb,
       CASE WHEN %(left)s::text IS NOT NULL THEN c.now END, CASE WHEN %(interrupted)s::boolean THEN c.now END, c.now,
       c.now - make_interval(secs => %(silent_seconds)s::float8), CASE WHEN %(ended)s::boolean THEN c.now END, c.now,
       coalesce(%(dropped)s::bigint, 0)
  FROM (SELECT watchkeeper.now() AS now) c
ON CONFLICT (project_id, job_id, epoch, told_by, number) WHERE job_id IS NOT NULL DO UPDATE SET
  agent = coalesce(%(agent)s::text, a.agent), cli_version = coalesce(excluded.cli_version, a.cli_version),
  thread_id = coalesce(excluded.thread_id, a.thread_id), transcript = coalesce(excluded.transcript, a.transcript),
  workspace = coalesce(excluded.workspace, a.workspace), host_id = coalesce(excluded.host_id, a.host_id),
  boot_id = coalesce(excluded.boot_id, a.boot_id), pid_ns = coalesce(excluded.pid_ns, a.pid_ns),
  pid = coalesce(excluded.pid, a.pid), start_ticks = coalesce(excluded.start_ticks, a.start_ticks),
  exit_code = coalesce(excluded.exit_code, a.exit_code), exit_signal = coalesce(excluded.exit_signal, a.exit_signal),
  failure_class = coalesce(excluded.failure_class, a.failure_class), tokens_used = greatest(excluded.tokens_used, a.tokens_used),
  cost = greatest(excluded.cost, a.cost), state = coalesce(excluded.state, a.state),
  standing = coalesce(excluded.standing, a.standing), diagnosis = coalesce(excluded.diagnosis, a.diagnosis),
  diagnosed_at = coalesce(excluded.diagnosed_at, a.diagnosed_at), turns = greatest(excluded.turns, a.turns),
  restarts = greatest(excluded.restarts, a.restarts), unknown_kinds = coalesce(excluded.unknown_kinds, a.unknown_kinds),
  left_processes = coalesce(excluded.left_processes, a.left_processes), swept_at = coalesce(excluded.swept_at, a.swept_at),
  interrupted_at = coalesce(excluded.interrupted_at, a.interrupted_at),
  last_event_at = greatest(excluded.last_event_at, a.last_event_at), ended_at = coalesce(a.ended_at, excluded.ended_at),
  heard_at = excluded.heard_at, events_dropped = greatest(excluded.events_dropped, a.events_dropped)
RETURNING a.id, a.ended_at IS NOT NULL AS ended, extract(epoch FROM a.heard_at - a.started_at)::float8 AS age_s,
          coalesce((SELECT max(e.number) FROM watchkeeper.session_events e
                     WHERE e.project_id = a.project_id AND e.session_id = a.id), 0) AS last_number

-- name: told_session
-- A session of an attempt as its sender knows it, locked.
SELECT id, events_kept FROM watchkeeper.agent_sessions
 WHERE project_id = %(project_id)s AND job_id = %(job_id)s::uuid AND epoch = %(epoch)s AND told_by = %(told_by)s
   AND number = %(number)s
   FOR UPDATE

-- name: add_session_events
-- Keeps events of a session, each once by its number, and notes the newest.
WITH given AS MATERIALIZED (
  SELECT (e->>'n')::bigint AS number, (e->>'t')::float8 AS t, e->>'source' AS source, e->>'event' AS event, e->'fields' AS fields
    FROM jsonb_array_elements(%(events)s::text::jsonb) e
), kept AS (
  INSERT INTO watchkeeper.session_events (project_id, session_id, number, t, source, event, fields)
  SELECT %(project_id)s, %(id)s::uuid, number, t, source, event, fields FROM given ORDER BY number
  ON CONFLICT (project_id, session_id, number) DO NOTHING
  RETURNING number
)
UPDATE watchkeeper.agent_sessions a
   SET events_kept = a.events_kept + (SELECT count(*) FROM kept),
       events_dropped = greatest(a.events_dropped, %(dropped)s::bigint),
       last_event = coalesce((SELECT g.event FROM given g WHERE g.source IN ('stdout', 'stderr', 'contract')
                               ORDER BY g.number DESC LIMIT 1), a.last_event),
       last_event_at = greatest(a.last_event_at, clock.now - make_interval(secs => %(silent_seconds)s::float8)),
       heard_at = clock.now
  FROM (SELECT watchkeeper.now() AS now) clock
 WHERE a.project_id = %(project_id)s AND a.id = %(id)s::uuid
RETURNING (SELECT count(*) FROM kept) AS kept

-- name: list_sessions
-- A page of agent sessions, the newest first. One that has not ended and was not heard of for long is unknown; one whose attempt was
-- taken for complete has no class of failure, whatever was wrong on the way.
SELECT a.id, a.project_id, a.job_id, s.external_id, s.kind, a.epoch, a.number, a.told_by, a.worker_id, a.agent, a.cli_version,
       CASE WHEN a.ended_at IS NOT NULL THEN 'ended'
            WHEN a.heard_at < clock.now - make_interval(secs => %(unheard_seconds)s::float8) THEN 'unknown'
            ELSE coalesce(a.state, 'running') END AS state,
       CASE WHEN coalesce(d.outcome, f.outcome) IS DISTINCT FROM 'completed' THEN coalesce(a.failure_class, a.diagnosis->>'failure') END AS class, a.turns, a.restarts, a.tokens_used, a.cost, a.last_event,
       a.started_at, a.last_event_at, a.heard_at, a.ended_at,
       extract(epoch FROM coalesce(a.ended_at, clock.now) - a.started_at)::float8 AS age_s,
       extract(epoch FROM clock.now - a.last_event_at)::float8 AS last_event_age_s
  FROM (SELECT watchkeeper.now() AS now) clock
 CROSS JOIN (SELECT * FROM watchkeeper.agent_sessions
              WHERE project_id = %(project_id)s AND (%(before)s::uuid IS NULL OR id < %(before)s::uuid)
                AND (%(job_id)s::uuid IS NULL OR job_id = %(job_id)s::uuid)
                AND (%(worker_id)s::text IS NULL OR worker_id = %(worker_id)s::text)
                AND (%(live)s::boolean IS NULL OR (ended_at IS NULL) = %(live)s::boolean)
              ORDER BY id DESC LIMIT %(limit)s) a
  LEFT JOIN LATERAL (SELECT x.seq, x.external_id, x.kind FROM watchkeeper.job_specs x
                      WHERE x.project_id = a.project_id AND x.id = a.job_id LIMIT 1) s ON true
  LEFT JOIN watchkeeper.closed_attempts d ON d.project_id = a.project_id AND d.seq = s.seq AND d.epoch = a.epoch
  LEFT JOIN watchkeeper.foreign_leases f ON f.project_id = a.project_id AND f.seq = s.seq AND f.epoch = a.epoch
 ORDER BY a.id DESC

-- name: show_session
-- One session with all that it keeps, and what bounds it: its lease, and the limits of its job's kind.
SELECT a.id, a.project_id, a.job_id, s.external_id, s.kind, a.epoch, a.number, a.told_by, a.worker_id, a.agent, a.cli_version,
       CASE WHEN a.ended_at IS NOT NULL THEN 'ended'
            WHEN a.heard_at < clock.now - make_interval(secs => %(unheard_seconds)s::float8) THEN 'unknown'
            ELSE coalesce(a.state, 'running') END AS state,
       CASE WHEN coalesce(d.outcome, f.outcome) IS DISTINCT FROM 'completed' THEN coalesce(a.failure_class, a.diagnosis->>'failure') END AS class, a.diagnosis, a.diagnosed_at, a.turns, a.restarts,
       a.tokens_used, a.cost, k.tokens_limit, k.cost_limit, a.thread_id, a.transcript, a.workspace, a.host_id, a.boot_id, a.pid_ns, a.pid,
       a.start_ticks, a.exit_code, a.exit_signal, a.standing, a.unknown_kinds, a.left_processes, a.swept_at, a.interrupted_at,
       a.events_kept, a.events_dropped, a.last_event, a.started_at, a.last_event_at, a.heard_at, a.ended_at, clock.now,
       coalesce(l.expires_at, n.lease_expires_at) AS lease_expires_at, coalesce(l.renewed_at, n.last_heartbeat_at) AS lease_renewed_at,
       l.lease_seconds, coalesce(l.claimed_at, n.claimed_at) AS claimed_at,
       coalesce(l.progress_at, n.progress_at) AS progress_at, k.hard_cap_minutes, k.progress_deadline_minutes,
       k.tool_limit_minutes
  FROM (SELECT watchkeeper.now() AS now) clock
  JOIN watchkeeper.agent_sessions a ON a.project_id = %(project_id)s AND a.id = %(id)s::uuid
  LEFT JOIN LATERAL (SELECT x.seq, x.external_id, x.kind FROM watchkeeper.job_specs x
                      WHERE x.project_id = a.project_id AND x.id = a.job_id LIMIT 1) s ON true
  LEFT JOIN watchkeeper.closed_attempts d ON d.project_id = a.project_id AND d.seq = s.seq AND d.epoch = a.epoch
  LEFT JOIN watchkeeper.foreign_leases f ON f.project_id = a.project_id AND f.seq = s.seq AND f.epoch = a.epoch
  LEFT JOIN watchkeeper.leases l ON l.project_id = a.project_id AND l.seq = s.seq AND l.epoch = a.epoch
  LEFT JOIN watchkeeper.foreign_leases n ON n.project_id = a.project_id AND n.seq = s.seq AND n.epoch = a.epoch AND n.ended_at IS NULL
  LEFT JOIN watchkeeper.job_kinds k ON k.project_id = a.project_id AND k.kind = s.kind

-- name: session_events_after
-- Events of a session from a cursor on, in the order that their sender saw them.
SELECT e.number, e.t, e.source, e.event, e.fields, e.created_at
  FROM watchkeeper.session_events e
 WHERE e.project_id = %(project_id)s AND e.session_id = %(id)s::uuid AND e.number > %(after)s::bigint
 ORDER BY e.number LIMIT %(limit)s

-- name: session_state
-- Whether a session is there, and over.
SELECT ended_at IS NOT NULL AS ended FROM watchkeeper.agent_sessions WHERE project_id = %(project_id)s AND id = %(id)s::uuid

-- name: session_facts
-- Agent sessions as rules judge them: those that are named, or the live ones that nobody told of since `unheard_since`.
-- What an agent tells of itself is no word of its supervisor's: silence about it means nothing.
SELECT a.project_id, a.id, a.worker_id, a.agent, greatest(a.heard_at, %(quiet_since)s::timestamptz) AS heard_at, a.job_id, a.epoch, s.kind,
       a.ended_at IS NOT NULL AS is_over, l.seq IS NOT NULL OR f.job_id IS NOT NULL AS is_running,
       a.diagnosis->>'failure' AS failure, coalesce(a.diagnosis->>'action', 'none') AS action,
       coalesce(a.diagnosis->>'because', '') AS because, coalesce(a.diagnosis->'evidence', '{}') AS evidence, a.last_event, a.restarts,
       a.tokens_used, k.tokens_limit, a.cost::float8 AS cost, k.cost_limit::float8 AS cost_limit,
       coalesce(a.left_processes, '[]') AS left_processes, a.host_id, coalesce(s.origin, 'own') <> 'own' AS is_mirrored
  FROM (SELECT project_id, id FROM unnest(%(projects)s::text[], %(ids)s::uuid[]) AS n (project_id, id)
        UNION
        SELECT x.project_id, x.id FROM watchkeeper.agent_sessions x
         WHERE x.ended_at IS NULL AND x.told_by = 'supervisor' AND x.heard_at < %(unheard_since)s::timestamptz
           AND x.heard_at > %(unheard_since)s::timestamptz - interval '1 day') g
 CROSS JOIN LATERAL (SELECT * FROM watchkeeper.agent_sessions x WHERE x.project_id = g.project_id AND x.id = g.id LIMIT 1) a
  LEFT JOIN LATERAL (SELECT * FROM watchkeeper.job_specs x WHERE x.project_id = a.project_id AND x.id = a.job_id LIMIT 1) s ON true
  LEFT JOIN watchkeeper.leases l ON l.project_id = a.project_id AND l.seq = s.seq AND l.epoch = a.epoch
  LEFT JOIN LATERAL (SELECT x.job_id FROM watchkeeper.foreign_leases x
                      WHERE x.project_id = a.project_id AND x.seq = s.seq AND x.ended_at IS NULL LIMIT 1) f ON true
  LEFT JOIN watchkeeper.job_kinds k ON k.project_id = a.project_id AND k.kind = s.kind

-- name: session_lines
-- The newest events of a session between two numbers, of some kinds and with some text in them; only the newest `scan` are looked at, of
-- which `least` is the oldest. A row without a number says that none of them is asked for.
WITH scanned AS MATERIALIZED (
  SELECT e.number, e.t, e.source, e.event, e.fields,
         CASE WHEN e.event = 'said' THEN 'say'
              WHEN e.source = 'stderr' OR e.event IN ('retrying', 'limited', 'waits', 'unreadable')
                   OR (e.event = 'tool_closed' AND e.fields->'failed' = 'true'::jsonb)
                   OR (e.event IN ('turn_ended') AND e.fields->'ok' = 'false'::jsonb) THEN 'error'
              WHEN e.event IN ('tool_opened', 'tool_closed') THEN 'tool'
              WHEN e.source IN ('contract', 'lease', 'artifact') THEN 'contract'
              ELSE 'state' END AS kind
    FROM watchkeeper.session_events e
   WHERE e.project_id = %(project_id)s AND e.session_id = %(id)s::uuid AND e.number > %(after)s::bigint
     AND (%(before)s::bigint IS NULL OR e.number < %(before)s::bigint)
   ORDER BY e.number DESC LIMIT %(scan)s
)
SELECT s.least, w.* FROM (SELECT min(number) AS least FROM scanned) s
  LEFT JOIN (SELECT * FROM scanned
              WHERE (%(kinds)s::text[] IS NULL OR kind = ANY (%(kinds)s::text[]))
                AND (%(find)s::text IS NULL OR position(lower(%(find)s::text) IN lower(fields::text)) > 0)
              ORDER BY number DESC LIMIT %(limit)s) w ON true
 ORDER BY w.number

-- name: session_lanes
-- What a session's lanes are made of: its turns, tool calls and looks at its workspace, of its newest `scan` events.
SELECT number, t, event, jsonb_strip_nulls(jsonb_build_object('id', fields->'id', 'tool', fields->'tool', 'failed', fields->'failed',
       'wrote', fields->'wrote', 'files', fields->'files', 'commits', fields->'commits')) AS fields
  FROM (SELECT * FROM watchkeeper.session_events e
         WHERE e.project_id = %(project_id)s AND e.session_id = %(id)s::uuid ORDER BY e.number DESC LIMIT %(scan)s) e
 WHERE (source = 'stdout' AND event = ANY (%(events)s::text[])) OR source = 'workspace'
 ORDER BY number
