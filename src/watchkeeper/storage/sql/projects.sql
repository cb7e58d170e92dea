-- name: ensure_project
-- Makes a project where there is none yet.
INSERT INTO watchkeeper.projects (project_id, title) VALUES (%(project_id)s, %(title)s) ON CONFLICT DO NOTHING
RETURNING project_id

-- name: make_project
-- Makes a project that somebody asked for; no row where there is one of that name.
WITH made AS (
  INSERT INTO watchkeeper.projects (project_id, title) VALUES (%(project_id)s, %(title)s) ON CONFLICT DO NOTHING
  RETURNING project_id, title
)
INSERT INTO watchkeeper.audit_events (project_id, event, actor, reason, data)
SELECT project_id, 'project_created', %(actor)s, %(reason)s::text, jsonb_build_object('title', title) FROM made
RETURNING 1

-- name: list_projects
-- The projects that a caller may see: one, or all for an owner of the whole.
SELECT project_id, title, force_shadow, paused_at, paused_by, pause_reason, created_at FROM watchkeeper.projects
 WHERE %(project_id)s::text IS NULL OR project_id = %(project_id)s::text
 ORDER BY project_id

-- name: set_project_paused
-- Pauses or resumes all claims of a project.
WITH changed AS (
  UPDATE watchkeeper.projects
     SET paused_at = CASE WHEN %(paused)s THEN coalesce(paused_at, watchkeeper.now()) END,
         paused_by = CASE WHEN %(paused)s THEN %(actor)s END, pause_reason = CASE WHEN %(paused)s THEN %(reason)s END
   WHERE project_id = %(project_id)s
  RETURNING project_id
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, reason)
  SELECT project_id, CASE WHEN %(paused)s THEN 'project_paused' ELSE 'project_resumed' END, %(actor)s, %(reason)s FROM changed
)
SELECT project_id,
       CASE WHEN NOT %(paused)s THEN (SELECT pg_notify('watchkeeper_ready', %(project_id)s)) END AS woken FROM changed

-- name: declare_kind
-- Declares a kind or changes its declaration; pauses set by a person stay.
WITH declared AS (
  INSERT INTO watchkeeper.job_kinds (project_id, kind, declared, contract, lease, lease_seconds, on_lost, max_attempts,
                                     max_lost_leases, progress_deadline_minutes, hard_cap_minutes, tool_limit_minutes,
                                     concurrency, priority, tokens_limit, cost_limit, persona, secrets)
  VALUES (%(project_id)s, %(kind)s, true, %(contract)s::text::jsonb, %(lease)s::text, %(lease_seconds)s::int, %(on_lost)s,
          %(max_attempts)s, %(max_lost_leases)s, %(progress_deadline_minutes)s::float8, %(hard_cap_minutes)s::float8,
          %(tool_limit_minutes)s::float8, %(concurrency)s::int, %(priority)s, %(tokens_limit)s::bigint,
          %(cost_limit)s::numeric, %(persona)s::text, %(secrets)s)
  ON CONFLICT (project_id, kind) DO UPDATE
     SET declared = true, contract = excluded.contract, lease = excluded.lease, lease_seconds = excluded.lease_seconds,
         on_lost = excluded.on_lost, max_attempts = excluded.max_attempts, max_lost_leases = excluded.max_lost_leases,
         progress_deadline_minutes = excluded.progress_deadline_minutes, hard_cap_minutes = excluded.hard_cap_minutes,
         tool_limit_minutes = excluded.tool_limit_minutes, concurrency = excluded.concurrency, priority = excluded.priority,
         tokens_limit = excluded.tokens_limit, cost_limit = excluded.cost_limit, persona = excluded.persona,
         secrets = excluded.secrets, updated_at = watchkeeper.now()
  RETURNING *
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, reason, data)
  SELECT project_id, 'kind_declared', %(actor)s, %(reason)s::text, to_jsonb(d) FROM declared d
)
SELECT * FROM declared

-- name: list_kinds
-- The kinds of a project by name, from a cursor on.
SELECT * FROM watchkeeper.job_kinds
 WHERE project_id = %(project_id)s AND (%(after)s::text IS NULL OR kind > %(after)s::text)
 ORDER BY kind LIMIT %(limit)s

-- name: refusing_kinds
-- Kinds that refuse a payload with a secret in it.
SELECT kind FROM watchkeeper.job_kinds WHERE project_id = %(project_id)s AND secrets = 'refuse'

-- name: set_kind_paused
-- Pauses or resumes the claims of a kind.
WITH changed AS (
  UPDATE watchkeeper.job_kinds
     SET paused_at = CASE WHEN %(paused)s THEN coalesce(paused_at, watchkeeper.now()) END,
         paused_by = CASE WHEN %(paused)s THEN %(actor)s END, pause_reason = CASE WHEN %(paused)s THEN %(reason)s END
   WHERE project_id = %(project_id)s AND kind = %(kind)s
  RETURNING kind
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, reason, data)
  SELECT %(project_id)s, CASE WHEN %(paused)s THEN 'kind_paused' ELSE 'kind_resumed' END, %(actor)s, %(reason)s,
         jsonb_build_object('kind', kind) FROM changed
)
SELECT kind,
       CASE WHEN NOT %(paused)s THEN (SELECT pg_notify('watchkeeper_ready', %(project_id)s)) END AS woken FROM changed

-- name: set_switch
-- Turns all claims, or all actions, on or off; no row while a restored database stands still.
WITH changed AS (
  UPDATE watchkeeper.switches SET is_on = %(is_on)s, reason = %(reason)s, changed_by = %(actor)s, changed_at = watchkeeper.now()
   WHERE name = %(name)s AND NOT EXISTS (SELECT FROM watchkeeper.restores WHERE resumed_at IS NULL)
  RETURNING name
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, reason, data)
  SELECT 'system', 'switch_changed', %(actor)s, %(reason)s, jsonb_build_object('switch', name, 'on', %(is_on)s::boolean)
    FROM changed
)
SELECT name FROM changed

-- name: project_to_remove
-- A project with the workers that live: they hold a job, or were seen within what their profile calls alive.
SELECT p.project_id,
       ARRAY(SELECT w.worker_id FROM watchkeeper.workers w
              WHERE w.project_id = p.project_id AND w.gone_at IS NULL
                AND (w.last_seen_at > (SELECT watchkeeper.now())
                                      - CASE w.profile WHEN 'runtime' THEN interval '1 minute' ELSE interval '20 minutes' END
                     OR EXISTS (SELECT FROM watchkeeper.leases l
                                 WHERE l.project_id = w.project_id AND l.worker_id = w.worker_id))
              ORDER BY w.worker_id) AS living
  FROM watchkeeper.projects p
 WHERE p.project_id = %(project_id)s

-- name: delete_project
-- Removes a project's rows; its audit trail stays.
WITH ready AS (DELETE FROM watchkeeper.ready_jobs WHERE project_id = %(project_id)s),
     scheduled AS (DELETE FROM watchkeeper.scheduled_jobs WHERE project_id = %(project_id)s),
     leases AS (DELETE FROM watchkeeper.leases WHERE project_id = %(project_id)s),
     held AS (DELETE FROM watchkeeper.held_jobs WHERE project_id = %(project_id)s),
     outcomes AS (DELETE FROM watchkeeper.job_outcomes WHERE project_id = %(project_id)s),
     ended AS (DELETE FROM watchkeeper.outcome_counts WHERE project_id = %(project_id)s),
     attempts AS (DELETE FROM watchkeeper.closed_attempts WHERE project_id = %(project_id)s),
     mirrored AS (DELETE FROM watchkeeper.mirrored_jobs WHERE project_id = %(project_id)s),
     reported AS (DELETE FROM watchkeeper.foreign_leases WHERE project_id = %(project_id)s),
     counters AS (DELETE FROM watchkeeper.foreign_queues WHERE project_id = %(project_id)s),
     waits AS (DELETE FROM watchkeeper.watchdog_queues WHERE project_id = %(project_id)s),
     inbox AS (DELETE FROM watchkeeper.watchdog_inbox WHERE project_id = %(project_id)s),
     specs AS (DELETE FROM watchkeeper.job_specs WHERE project_id = %(project_id)s),
     keys AS (DELETE FROM watchkeeper.unique_keys WHERE project_id = %(project_id)s),
     workers AS (DELETE FROM watchkeeper.workers WHERE project_id = %(project_id)s),
     sleepers AS (DELETE FROM watchkeeper.sleepers WHERE project_id = %(project_id)s),
     beats AS (DELETE FROM watchkeeper.worker_heartbeats WHERE project_id = %(project_id)s),
     runs AS (DELETE FROM watchkeeper.worker_runs WHERE project_id = %(project_id)s),
     events AS (DELETE FROM watchkeeper.helper_events WHERE project_id = %(project_id)s),
     artifacts AS (DELETE FROM watchkeeper.artifacts WHERE project_id = %(project_id)s),
     checks AS (DELETE FROM watchkeeper.artifact_checks WHERE project_id = %(project_id)s),
     late AS (DELETE FROM watchkeeper.reconcile_items WHERE project_id = %(project_id)s),
     repairs AS (DELETE FROM watchkeeper.repair_actions WHERE project_id = %(project_id)s),
     breakers AS (DELETE FROM watchkeeper.repair_breakers WHERE project_id = %(project_id)s),
     incidents AS (DELETE FROM watchkeeper.watchdog_incidents WHERE project_id = %(project_id)s),
     host_told AS (DELETE FROM watchkeeper.host_alerts WHERE project_id = %(project_id)s),
     host_groups AS (DELETE FROM watchkeeper.host_alert_groups WHERE project_id = %(project_id)s),
     host_troubles AS (DELETE FROM watchkeeper.host_incidents WHERE project_id = %(project_id)s),
     host_packed AS (DELETE FROM watchkeeper.host_packets WHERE project_id = %(project_id)s),
     host_read AS (DELETE FROM watchkeeper.host_readings WHERE project_id = %(project_id)s),
     sessions AS (DELETE FROM watchkeeper.agent_sessions WHERE project_id = %(project_id)s),
     proposals AS (DELETE FROM watchkeeper.proposals WHERE project_id = %(project_id)s),
     host_acts AS (DELETE FROM watchkeeper.host_remediations WHERE project_id = %(project_id)s),
     host_looks AS (DELETE FROM watchkeeper.host_post_checks WHERE project_id = %(project_id)s),
     host_assets AS (DELETE FROM watchkeeper.host_assets WHERE project_id = %(project_id)s),
     bulk AS (DELETE FROM watchkeeper.bulk_acts WHERE project_id = %(project_id)s),
     windows AS (DELETE FROM watchkeeper.maintenance_windows WHERE project_id = %(project_id)s),
     channels AS (DELETE FROM watchkeeper.alert_channels WHERE project_id = %(project_id)s),
     keys_of_channels AS (DELETE FROM watchkeeper.channel_secrets WHERE project_id = %(project_id)s),
     doors AS (DELETE FROM watchkeeper.chat_doors WHERE project_id = %(project_id)s),
     places AS (DELETE FROM watchkeeper.chat_places WHERE project_id = %(project_id)s),
     told AS (DELETE FROM watchkeeper.chat_events WHERE project_id = %(project_id)s),
     link_codes AS (DELETE FROM watchkeeper.chat_codes WHERE scope = %(project_id)s),
     links AS (DELETE FROM watchkeeper.chat_links WHERE project_id = %(project_id)s OR scope = %(project_id)s),
     buttons AS (DELETE FROM watchkeeper.chat_buttons WHERE project_id = %(project_id)s),
     alerts AS (DELETE FROM watchkeeper.alerts WHERE project_id = %(project_id)s),
     syncs AS (DELETE FROM watchkeeper.people_syncs WHERE project_id = %(project_id)s),
     signals AS (DELETE FROM watchkeeper.signals WHERE project_id = %(project_id)s),
     lessons AS (DELETE FROM watchkeeper.lessons WHERE project_id = %(project_id)s),
     uses AS (DELETE FROM watchkeeper.lesson_uses WHERE project_id = %(project_id)s),
     views AS (DELETE FROM watchkeeper.saved_views WHERE project_id = %(project_id)s),
     shown_links AS (DELETE FROM watchkeeper.share_links WHERE project_id = %(project_id)s),
     badges AS (DELETE FROM watchkeeper.badge_keys WHERE project_id = %(project_id)s),
     ends AS (DELETE FROM watchkeeper.slo_counts WHERE project_id = %(project_id)s),
     parks AS (DELETE FROM watchkeeper.pool_parks WHERE project_id = %(project_id)s),
     records AS (DELETE FROM watchkeeper.idempotency_records WHERE project_id = %(project_id)s),
     tokens AS (DELETE FROM watchkeeper.tokens WHERE project_id = %(project_id)s),
     codes AS (DELETE FROM watchkeeper.login_codes WHERE project_id = %(project_id)s),
     logins AS (DELETE FROM watchkeeper.console_sessions WHERE project_id = %(project_id)s),
     people AS (DELETE FROM watchkeeper.principals p WHERE p.project_id = %(project_id)s
                   AND NOT EXISTS (SELECT FROM watchkeeper.tokens t
                                    WHERE p.id IN (t.principal_id, t.minted_by)
                                      AND t.project_id IS DISTINCT FROM %(project_id)s)),
     audited AS (INSERT INTO watchkeeper.audit_events (project_id, event, actor, reason)
                 VALUES (%(project_id)s, 'project_deleted', %(actor)s, %(reason)s))
DELETE FROM watchkeeper.projects WHERE project_id = %(project_id)s RETURNING project_id
