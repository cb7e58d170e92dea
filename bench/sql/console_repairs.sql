-- $1 repairs like the newest one that is there, for incidents and jobs; one in fifteen waits for a word.
INSERT INTO watchkeeper.repair_actions (project_id, incident_id, job_id, trigger, action, authority, actor, reason, plan,
                                        plan_digest, old_state, new_state, state, result, expires_at, created_at, ended_at)
SELECT r.project_id, (SELECT id FROM watchkeeper.watchdog_incidents WHERE project_id = 'watched' AND fingerprint = 'f' || n),
       (SELECT id FROM watchkeeper.job_specs WHERE project_id = 'watched' AND seq = n * 150),
       r.trigger, r.action, r.authority, r.actor, r.reason, r.plan, r.plan_digest, r.old_state, r.new_state,
       CASE WHEN n % 15 = 0 THEN 'proposed' ELSE 'succeeded' END, CASE WHEN n % 15 <> 0 THEN 'success' END,
       now() + interval '1 hour', now() - make_interval(mins => n::integer), CASE WHEN n % 15 <> 0 THEN now() END
  FROM (SELECT * FROM watchkeeper.repair_actions ORDER BY id DESC LIMIT 1) r, generate_series(1, $1::bigint) n
