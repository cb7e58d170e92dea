-- name: take_inbox
-- Takes the oldest rows that were noted for the watchdog; they are gone when the transaction commits. What a newer program
-- notes is left to it.
DELETE FROM watchkeeper.watchdog_inbox
 WHERE number = ANY (ARRAY(
   SELECT number FROM watchkeeper.watchdog_inbox WHERE family = ANY (%(families)s::text[]) ORDER BY number LIMIT %(limit)s FOR UPDATE SKIP LOCKED))
RETURNING project_id, family, ref_id, seq, epoch, worker_id

-- name: command_facts
-- Executions of contract commands as rules judge them: how often in a row the same came of the command on its job.
SELECT e.project_id, e.id, e.command, e.exit_code, e.created_at AS received_at, e.error_code, e.worker_id, e.job_id, s.kind,
       CASE WHEN e.job_id IS NULL THEN 1 ELSE (
         SELECT count(*) FROM watchkeeper.helper_events f
          WHERE f.project_id = e.project_id AND f.job_id = e.job_id AND f.command = e.command AND f.error_code = e.error_code
            AND f.created_at <= e.created_at
            AND f.created_at > coalesce((SELECT max(g.created_at) FROM watchkeeper.helper_events g
                                          WHERE g.project_id = e.project_id AND g.job_id = e.job_id AND g.command = e.command
                                            AND g.exit_code = 0 AND g.error_code IS NULL
                                            AND g.created_at < e.created_at), '-infinity')) END AS refusals,
       CASE WHEN e.reported_at IS NOT NULL THEN e.redacted END AS secrets,
       CASE WHEN e.command IN ('doctor', 'touch') THEN e.output END AS output, coalesce(w.origin, 'own') = 'own' AS is_own_word,
       coalesce(w.origin = 'own' AND (w.stopped_at IS NOT NULL OR e.created_at < w.resumed_at), false) AS is_stopped,
       coalesce(s.origin, w.origin, 'own') <> 'own' AS is_mirrored
  FROM unnest(%(projects)s::text[], %(ids)s::uuid[]) AS g (project_id, id)
 CROSS JOIN LATERAL (SELECT * FROM watchkeeper.helper_events x WHERE x.project_id = g.project_id AND x.id = g.id LIMIT 1) e
  LEFT JOIN LATERAL (SELECT * FROM watchkeeper.job_specs x
                        WHERE x.project_id = e.project_id AND x.id = e.job_id LIMIT 1) s ON true
  LEFT JOIN watchkeeper.workers w ON w.project_id = e.project_id AND w.worker_id = e.worker_id

-- name: word_facts
-- Attempts at foreign jobs whose report names an error, as the command that met it would be told; where commands are told
-- as well, the command's own word counts.
SELECT l.project_id, l.job_id AS id, c.command, 1 AS exit_code, l.received_at, l.error_code, l.worker_id, l.job_id, l.kind,
       true AS is_mirrored, 'attempt:' || l.job_id || '/' || l.epoch AS ref
  FROM unnest(%(projects)s::text[], %(seqs)s::bigint[], %(epochs)s::int[]) AS g (project_id, seq, epoch)
 CROSS JOIN LATERAL (SELECT * FROM watchkeeper.foreign_leases x
                       WHERE x.project_id = g.project_id AND x.seq = g.seq AND x.epoch = g.epoch LIMIT 1) l
 CROSS JOIN LATERAL (
   SELECT CASE WHEN l.complete_status = 'rejected' THEN 'complete'
               WHEN l.phase IN ('doctor', 'touch', 'claim', 'context', 'progress', 'upload-files', 'verify', 'complete',
                                'fail', 'release') THEN l.phase
               WHEN l.phase = 'upload' THEN 'upload-files' WHEN l.phase = 'failed' THEN 'fail'
               WHEN l.phase IS NULL AND l.complete_status IS NOT NULL THEN 'complete' ELSE 'progress' END AS command) c
 WHERE l.error_code IS NOT NULL AND l.error_code <> ALL (%(verdicts)s::text[])
   AND NOT EXISTS (
     SELECT FROM watchkeeper.helper_events e
      WHERE e.project_id = l.project_id AND e.job_id = l.job_id AND e.command = c.command
        AND (e.exit_code <> 0 OR e.error_code IS NOT NULL) AND e.created_at >= l.claimed_at)

-- name: check_facts
-- Looks at artifacts that did not pass. A completion hangs on what the gate saw for it, and where another's queue completes,
-- on the look that was taken there.
SELECT c.project_id, c.id, c.job_id, c.checked_at AS received_at,
       c.command = 'complete' OR coalesce(s.origin, 'own') <> 'own' AS decides,
       (SELECT array_agg(coalesce(f->>'check', f #>> '{}')) FROM jsonb_array_elements(c.failed) f) AS failed,
       c.primary_url, a.worker_id, s.kind, coalesce(s.origin, 'own') <> 'own' AS is_mirrored
  FROM unnest(%(projects)s::text[], %(ids)s::uuid[]) AS g (project_id, id)
 CROSS JOIN LATERAL (SELECT * FROM watchkeeper.artifact_checks x WHERE x.project_id = g.project_id AND x.id = g.id LIMIT 1) c
  LEFT JOIN LATERAL (SELECT * FROM watchkeeper.job_specs x
                        WHERE x.project_id = c.project_id AND x.seq = c.seq LIMIT 1) s ON true
  LEFT JOIN LATERAL (SELECT j.worker_id FROM watchkeeper.job_attempts j
                      WHERE j.project_id = c.project_id AND j.seq = c.seq AND j.epoch = c.epoch LIMIT 1) a ON true

-- name: attempt_facts
-- Attempts that failed, each with how those before it on the same job failed.
SELECT a.project_id, s.id AS job_id, a.epoch, s.kind, a.worker_id, a.ended_at AS received_at, a.cause, a.error,
       (SELECT jsonb_agg(jsonb_build_array(b.cause, b.error) ORDER BY b.epoch) FROM watchkeeper.closed_attempts b
         WHERE b.project_id = a.project_id AND b.seq = a.seq AND b.epoch <= a.epoch AND b.cause IS NOT NULL) AS failures,
       s.origin <> 'own' AS is_mirrored
  FROM unnest(%(projects)s::text[], %(seqs)s::bigint[], %(epochs)s::int[]) AS g (project_id, seq, epoch)
 CROSS JOIN LATERAL (SELECT * FROM watchkeeper.closed_attempts x
                       WHERE x.project_id = g.project_id AND x.seq = g.seq AND x.epoch = g.epoch AND x.cause IS NOT NULL
                       LIMIT 1) a
 CROSS JOIN LATERAL (SELECT * FROM watchkeeper.job_specs x WHERE x.project_id = a.project_id AND x.seq = a.seq LIMIT 1) s

-- name: run_facts
-- Phases that were told: whether that speaks of an end, which completion failed last before it, and what is still owed.
SELECT r.project_id, 'worker_run:' || r.id AS ref, r.worker_id, r.phase, coalesce(r.ended_at, r.started_at) AS received_at,
       r.job_id, s.kind, r.phase = 'complete' AND r.status = 'ok' AS is_done,
       (SELECT CASE WHEN (last.exit_code <> 0 OR last.error_code IS NOT NULL) AND last.error_code IS DISTINCT FROM 'queued' THEN last.id END
          FROM (SELECT e.id, e.exit_code, e.error_code FROM watchkeeper.helper_events e
                 WHERE e.project_id = r.project_id AND e.job_id = r.job_id AND e.command = 'complete'
                   AND e.created_at <= coalesce(r.ended_at, r.started_at)
                 ORDER BY e.created_at DESC LIMIT 1) last) AS failed_complete,
       (s.origin <> 'own' OR coalesce(s.contract, k.contract) IS NOT NULL)
         AND (SELECT true FROM watchkeeper.artifact_checks c
                          WHERE c.project_id = r.project_id AND c.job_id = r.job_id AND c.passed LIMIT 1) IS NULL AS owes_artifact,
       r.redacted AS secrets,
       CASE WHEN r.phase IN ('doctor', 'touch') THEN r.payload END AS payload, r.status IN ('ok', 'retried') AS went_well,
       coalesce(s.origin, 'own') <> 'own' AS is_mirrored
  FROM unnest(%(projects)s::text[], %(ids)s::uuid[]) AS g (project_id, id)
 CROSS JOIN LATERAL (SELECT * FROM watchkeeper.worker_runs x WHERE x.project_id = g.project_id AND x.id = g.id LIMIT 1) r
  LEFT JOIN LATERAL (SELECT * FROM watchkeeper.job_specs x
                        WHERE x.project_id = r.project_id AND x.id = r.job_id LIMIT 1) s ON true
  LEFT JOIN watchkeeper.job_kinds k ON k.project_id = s.project_id AND k.kind = s.kind

-- name: outcome_facts
-- Mirrored jobs that were completed elsewhere, as the phase that ended each would tell it.
SELECT s.project_id, 'job_outcome:' || s.id AS ref, f.worker_id, 'complete' AS phase, o.finished_at AS received_at,
       s.id AS job_id, s.kind, true AS is_done, NULL::uuid AS failed_complete,
       (SELECT true FROM watchkeeper.artifact_checks c
                    WHERE c.project_id = s.project_id AND c.job_id = s.id AND c.passed LIMIT 1) IS NULL AS owes_artifact,
       NULL::text[] AS secrets, true AS is_mirrored
  FROM unnest(%(projects)s::text[], %(seqs)s::bigint[], %(epochs)s::int[]) AS g (project_id, seq, epoch)
 CROSS JOIN LATERAL (SELECT * FROM watchkeeper.job_outcomes x WHERE x.project_id = g.project_id AND x.seq = g.seq LIMIT 1) o
 CROSS JOIN LATERAL (SELECT * FROM watchkeeper.job_specs x WHERE x.project_id = o.project_id AND x.seq = o.seq LIMIT 1) s
 CROSS JOIN LATERAL (SELECT * FROM watchkeeper.foreign_leases x
                       WHERE x.project_id = g.project_id AND x.seq = g.seq AND x.epoch = g.epoch LIMIT 1) f

-- name: ending_facts
-- Attempts out of whose error or summary a secret was taken, as the last words of who made them.
SELECT a.project_id, 'attempt:' || s.id || '/' || a.epoch AS ref, a.worker_id, 'end' AS phase, a.ended_at AS received_at,
       s.id AS job_id, s.kind, false AS is_done, NULL::uuid AS failed_complete, false AS owes_artifact,
       a.redacted AS secrets, false AS is_mirrored
  FROM unnest(%(projects)s::text[], %(seqs)s::bigint[], %(epochs)s::int[]) AS g (project_id, seq, epoch)
 CROSS JOIN LATERAL (SELECT * FROM watchkeeper.closed_attempts x
                       WHERE x.project_id = g.project_id AND x.seq = g.seq AND x.epoch = g.epoch LIMIT 1) a
 CROSS JOIN LATERAL (SELECT * FROM watchkeeper.job_specs x WHERE x.project_id = a.project_id AND x.seq = a.seq LIMIT 1) s

-- name: unfinished_facts
-- Attempts that their agent ended without success at jobs that go on, as the phase that ended each would tell it.
SELECT a.project_id, 'attempt:' || s.id || '/' || a.epoch AS ref, a.worker_id, 'end' AS phase, a.ended_at AS received_at,
       s.id AS job_id, s.kind, true AS is_done, NULL::uuid AS failed_complete,
       coalesce(s.contract, k.contract) IS NOT NULL
         AND (SELECT true FROM watchkeeper.job_outcomes o WHERE o.project_id = a.project_id AND o.seq = a.seq LIMIT 1) IS NULL
         AND (SELECT true FROM watchkeeper.artifact_checks c
                          WHERE c.project_id = a.project_id AND c.job_id = s.id AND c.passed LIMIT 1) IS NULL AS owes_artifact,
       NULL::text[] AS secrets, false AS is_mirrored
  FROM unnest(%(projects)s::text[], %(seqs)s::bigint[], %(epochs)s::int[]) AS g (project_id, seq, epoch)
 CROSS JOIN LATERAL (SELECT * FROM watchkeeper.closed_attempts x
                       WHERE x.project_id = g.project_id AND x.seq = g.seq AND x.epoch = g.epoch LIMIT 1) a
 CROSS JOIN LATERAL (SELECT * FROM watchkeeper.job_specs x WHERE x.project_id = a.project_id AND x.seq = a.seq LIMIT 1) s
  LEFT JOIN watchkeeper.job_kinds k ON k.project_id = s.project_id AND k.kind = s.kind

-- name: artifact_facts
-- Stored files that are gone or differ, as far as that still holds.
SELECT a.project_id, a.id, s.id AS job_id, a.lost_at AS received_at, a.name, a.sha256, s.kind
  FROM unnest(%(projects)s::text[], %(ids)s::uuid[]) AS g (project_id, id)
 CROSS JOIN LATERAL (SELECT * FROM watchkeeper.artifacts x
                       WHERE x.project_id = g.project_id AND x.id = g.id AND x.lost_at IS NOT NULL LIMIT 1) a
 CROSS JOIN LATERAL (SELECT * FROM watchkeeper.job_specs x WHERE x.project_id = a.project_id AND x.seq = a.seq LIMIT 1) s

-- name: worker_facts
-- Contract workers over their last heartbeats. A round is one whose claim was answered; a contract worker's jobs are those of
-- its live leases; rounds before somebody resumed the worker are settled, and what is reported of an own worker is none of its
-- rounds. A job in hand is not silent while its kind's clocks give it time, or where a session's own rules judge it. The
-- backlog names the kinds with due jobs, there where the worker works.
SELECT w.project_id, w.worker_id, last.id AS last_heartbeat,
       jsonb_build_object(
         'words', jsonb_build_object('doctor_ok', w.doctor_ok, 'touch_ok', last.touch_ok, 'claim_ok', last.claim_ok,
                                     'job_claimed', CASE WHEN last.claim_ok THEN last.current_job_id IS NOT NULL END),
         'answers', CASE WHEN w.doctor_answer IS NULL THEN last.answers
                         ELSE coalesce(last.answers, '{}') || jsonb_build_object('doctor', w.doctor_answer) END) AS said,
       w.origin = 'own' AND w.stopped_at IS NOT NULL AS is_stopped, w.origin <> 'own' AS is_mirrored,
       coalesce(r.rounds, '[]') AS rounds, coalesce(b.kinds, '') AS backlog, told.backlog AS told_backlog,
       CASE WHEN w.profile = 'session' THEN coalesce(held.jobs, '{}') ELSE '{}' END AS held
  FROM (SELECT DISTINCT project_id, worker_id
          FROM unnest(%(projects)s::text[], %(workers)s::text[]) AS n (project_id, worker_id)) g
  JOIN watchkeeper.workers w ON w.project_id = g.project_id AND w.worker_id = g.worker_id
  LEFT JOIN LATERAL (SELECT h.* FROM watchkeeper.worker_heartbeats h
                      WHERE h.project_id = g.project_id AND h.worker_id = g.worker_id
                        AND (w.origin <> 'own' OR h.reported_at IS NULL) ORDER BY h.id DESC LIMIT 1) last ON true
  LEFT JOIN LATERAL (
    SELECT array_agg(l.job_id) AS jobs FROM (
      SELECT s.id AS job_id FROM watchkeeper.leases l
       CROSS JOIN LATERAL (SELECT * FROM watchkeeper.job_specs x
                             WHERE x.project_id = l.project_id AND x.seq = l.seq LIMIT 1) s
       WHERE l.project_id = g.project_id AND l.worker_id = g.worker_id AND l.profile = 'session'
      UNION ALL
      SELECT f.job_id FROM watchkeeper.foreign_leases f
       WHERE f.project_id = g.project_id AND f.worker_id = g.worker_id AND f.ended_at IS NULL AND w.origin <> 'own') l) held ON true
  LEFT JOIN LATERAL (
    SELECT h.job_id, m.at AS moved_at
      FROM (SELECT l.kind, l.claimed_at, l.progress_at, s.id AS job_id FROM watchkeeper.leases l
             CROSS JOIN LATERAL (SELECT * FROM watchkeeper.job_specs x
                                   WHERE x.project_id = l.project_id AND x.seq = l.seq LIMIT 1) s
             WHERE l.project_id = g.project_id AND l.worker_id = g.worker_id AND l.profile = 'session'
            UNION ALL
            SELECT f.kind, f.claimed_at, f.progress_at, f.job_id FROM watchkeeper.foreign_leases f
             WHERE f.project_id = g.project_id AND f.worker_id = g.worker_id AND f.ended_at IS NULL AND w.origin <> 'own') h
      LEFT JOIN watchkeeper.job_kinds k ON k.project_id = g.project_id AND k.kind = h.kind
     CROSS JOIN LATERAL (
       SELECT greatest(h.claimed_at, h.progress_at,
         (SELECT max(coalesce(r.ended_at, r.started_at)) FROM watchkeeper.worker_runs r
           WHERE r.project_id = g.project_id AND r.job_id = h.job_id AND r.status IN ('ok', 'retried')
             AND r.phase NOT IN ('doctor', 'touch', 'claim', 'context', 'reading_context')),
         (SELECT max(e.created_at) FROM watchkeeper.helper_events e
           WHERE e.project_id = g.project_id AND e.job_id = h.job_id AND e.command IN ('progress', 'upload-files', 'verify')
             AND e.exit_code = 0 AND e.error_code IS NULL)) AS at) m
     WHERE m.at + make_interval(secs => 60 * coalesce(greatest(k.progress_deadline_minutes, k.tool_limit_minutes), 0))
             <= watchkeeper.now()
       AND NOT EXISTS (SELECT FROM watchkeeper.agent_sessions a
                        WHERE a.project_id = g.project_id AND a.job_id = h.job_id AND a.ended_at IS NULL)
     LIMIT 1) hand ON true
  LEFT JOIN LATERAL (
    SELECT jsonb_agg(jsonb_build_object(
             'id', n.id, 'at', n.created_at, 'job_id', n.current_job_id,
             'is_over', n.current_job_id IS NULL OR (
               NOT n.current_job_id = ANY (coalesce(held.jobs, '{}'))
               AND (SELECT true FROM watchkeeper.job_specs s
                      JOIN watchkeeper.closed_attempts t ON t.project_id = s.project_id AND t.seq = s.seq
                     WHERE s.project_id = g.project_id AND s.id = n.current_job_id AND t.cause = 'quota' LIMIT 1) IS NULL),
             'is_silent', coalesce(n.current_job_id = hand.job_id AND n.created_at >= hand.moved_at, false),
             'advanced', n.current_job_id IS NOT NULL AND (
               (SELECT true FROM watchkeeper.artifact_checks c
                        WHERE c.project_id = g.project_id AND c.job_id = n.current_job_id AND c.passed LIMIT 1) IS NOT NULL
               OR (SELECT true FROM watchkeeper.job_specs s
                           CROSS JOIN LATERAL (SELECT * FROM watchkeeper.job_outcomes x
                                                 WHERE x.project_id = s.project_id AND x.seq = s.seq LIMIT 1) o
                           WHERE s.project_id = g.project_id AND s.id = n.current_job_id AND o.state = 'completed' LIMIT 1) IS NOT NULL))
             ORDER BY n.id) AS rounds
      FROM (SELECT h.id, h.created_at, h.current_job_id FROM watchkeeper.worker_heartbeats h
             WHERE h.project_id = g.project_id AND h.worker_id = g.worker_id AND h.claim_ok
               AND (w.origin <> 'own' OR h.reported_at IS NULL)
               AND (w.resumed_at IS NULL OR h.created_at > w.resumed_at)
             ORDER BY h.id DESC LIMIT %(rounds)s) n) r ON true
  LEFT JOIN LATERAL (
    SELECT string_agg(d.kind, ', ' ORDER BY d.kind) AS kinds FROM (
      SELECT k.kind FROM watchkeeper.job_kinds k
       WHERE k.project_id = g.project_id AND w.origin = 'own' AND EXISTS (
         SELECT FROM watchkeeper.ready_jobs j WHERE j.project_id = k.project_id AND j.kind = k.kind)
      UNION ALL
      SELECT q.kind FROM watchkeeper.foreign_queues q
       WHERE q.project_id = g.project_id AND q.origin = w.origin AND q.ready > 0) d) b ON true
  LEFT JOIN LATERAL (
    SELECT i.evidence->>'backlog' AS backlog FROM watchkeeper.watchdog_incidents i
     WHERE i.project_id = g.project_id AND i.worker_id = g.worker_id AND i.rule = 'claim_loop_idle' AND i.state = 'resolved'
       AND i.opened_at > coalesce((SELECT max(h.created_at) FROM watchkeeper.worker_heartbeats h
                                    WHERE h.project_id = g.project_id AND h.worker_id = g.worker_id
                                      AND h.current_job_id IS NOT NULL), '-infinity')
     ORDER BY i.resolved_at DESC LIMIT 1) told ON true
