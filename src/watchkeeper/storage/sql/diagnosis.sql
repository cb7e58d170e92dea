-- name: clock
-- The database's time.
SELECT watchkeeper.now() AS now

-- name: system_facts
-- What an operator's diagnosis looks at: durability, replicas as far as this role may see them, switches.
SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS synchronous_commit,
       (SELECT count(*) FROM pg_stat_replication) AS replicas,
       (SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')) AS synchronous_replicas,
       claims.is_on AS claims_on, claims.reason AS claims_reason, actions.is_on AS actions_on, actions.reason AS actions_reason
  FROM watchkeeper.switches claims, watchkeeper.switches actions
 WHERE claims.name = 'claims' AND actions.name = 'actions'

-- name: try_idempotency_lock
-- Holds an idempotency key until the end of the transaction; false while another request holds it.
SELECT pg_try_advisory_xact_lock(
         hashtextextended(concat_ws(chr(31), %(project_id)s::text, %(principal_id)s::uuid, %(route)s::text, %(key)s::text), 0)
       ) AS taken

-- name: server_facts
-- What a maintainer asks of a server first: its version, since when it runs, and what was set; no address, no login.
SELECT version() AS version, pg_postmaster_start_time() AS started_at, pg_is_in_recovery() AS is_replica,
       pg_database_size(current_database()) AS bytes,
       (SELECT jsonb_object_agg(name, setting ORDER BY name) FROM pg_settings
         WHERE source NOT IN ('default', 'client', 'session') AND name !~ '(conninfo|password|_file$|_directory|_command)'
       ) AS settings

-- name: applied_migrations
-- Which migrations were applied, and when.
SELECT version, name, applied_at FROM watchkeeper.schema_migrations ORDER BY version

-- name: table_sizes
-- How large each table of ours is, and its rows as the statistics estimate them.
SELECT c.relname AS name, pg_total_relation_size(c.oid) AS bytes, pg_relation_size(c.oid) AS heap_bytes,
       greatest(c.reltuples, 0)::bigint AS estimated_rows, s.n_dead_tup AS dead_rows, s.last_autovacuum, s.last_autoanalyze
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_stat_user_tables s ON s.relid = c.oid
 WHERE n.nspname = 'watchkeeper' AND c.relkind = 'r' ORDER BY 2 DESC LIMIT 500

-- name: activity
-- What the sessions of this database do: their statements without any value.
SELECT backend_type, application_name, state, wait_event_type, wait_event, count(*) AS sessions,
       max(extract(epoch FROM clock_timestamp() - xact_start))::float8 AS longest_transaction_s,
       left(regexp_replace(regexp_replace(query, '(?:[EeUuBbXx]&?)?''(?:[^'']|'''')*(?:''|$)', '?', 'g'),
                           '\m[0-9][0-9.]*\M', '?', 'g'), 200) AS statement
  FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
 GROUP BY 1, 2, 3, 4, 5, 8 ORDER BY sessions DESC LIMIT 100

-- name: switch_facts
-- The switches as they stand.
SELECT name, is_on, reason, changed_by, changed_at FROM watchkeeper.switches ORDER BY name

-- name: lease_ages
-- How old the live leases are, by kind and profile.
SELECT project_id, kind, profile, count(*) AS leases, count(*) FILTER (WHERE expires_at < clock.now) AS expired,
       max(extract(epoch FROM clock.now - claimed_at))::float8 AS oldest_claim_s,
       max(extract(epoch FROM clock.now - renewed_at))::float8 AS oldest_renewal_s
  FROM watchkeeper.leases, (SELECT watchkeeper.now() AS now) clock
 GROUP BY 1, 2, 3 ORDER BY leases DESC LIMIT 200

-- name: latest_audit
-- The newest audit rows of all projects.
SELECT seq, at, project_id, event, actor, job_seq, epoch, old_state, new_state, reason, data
  FROM watchkeeper.audit_events WHERE at > watchkeeper.now() - interval '7 days'
 ORDER BY at DESC, seq DESC LIMIT %(limit)s
