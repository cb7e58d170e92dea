-- name: begin_backup_snapshot
-- One unchanging view of the database, for as long as the dump takes.
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY

-- name: name_backup_session
-- How the watchdog knows that a long snapshot is our own.
SELECT set_config('application_name', %(application)s, true)

-- name: allow_long_transaction
-- The transaction only holds the snapshot open while another program reads.
SET LOCAL idle_in_transaction_session_timeout = 0

-- name: count_alone
-- Parallel workers would take from the work what a backup wants to leave it.
SET LOCAL max_parallel_workers_per_gather = 0

-- name: export_snapshot
-- Lets the dump see exactly what this transaction sees.
SELECT pg_export_snapshot() AS snapshot

-- name: backup_facts
-- What a backup says of the database that it was taken of.
SELECT watchkeeper.now() AS now, split_part(current_setting('server_version'), ' ', 1) AS server,
       (SELECT max(version) FROM watchkeeper.schema_migrations) AS schema,
       watchkeeper.audit_timeline() AS timeline,
       (SELECT jsonb_build_object('number', s.number, 'timeline', s.timeline, 'hash', encode(s.hash, 'hex'), 'key_id', s.key_id)
          FROM watchkeeper.audit_seals s WHERE s.project_id = 'system' ORDER BY s.number DESC LIMIT 1) AS seal_head

-- name: server_major
-- The major version of the server.
SELECT current_setting('server_version_num')::int / 10000 AS major

-- name: backup_room
-- Bytes that a backup may need: of the tables as they lie on disk, and of the files that artifacts name.
SELECT (SELECT coalesce(sum(pg_table_size(c.oid)), 0)::bigint FROM pg_class c
         WHERE c.relnamespace = 'watchkeeper'::regnamespace AND c.relkind = 'r') AS tables,
       (SELECT coalesce(sum(bytes), 0)::bigint
          FROM (SELECT DISTINCT project_id, sha256, bytes FROM watchkeeper.artifacts WHERE sha256 IS NOT NULL) f) AS files

-- name: table_counts
-- How many rows each table holds.
SELECT name, row_count FROM watchkeeper.table_counts()
