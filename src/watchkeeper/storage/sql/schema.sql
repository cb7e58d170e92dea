-- name: ping
-- Answers when the database does.
SELECT 1 AS pong

-- name: migrations_table_exists
-- Tells an empty database from ours.
SELECT to_regclass('watchkeeper.schema_migrations') IS NOT NULL AS present

-- name: restore_mark
-- A row while a restore has not come to its end.
SELECT 1 AS unfinished FROM pg_namespace WHERE nspname = 'watchkeeper_restore'

-- name: newest_migration
-- The version of the schema.
SELECT max(version) AS version FROM watchkeeper.schema_migrations HAVING max(version) IS NOT NULL

-- name: lock_migrations
-- Two processes that begin at once migrate one after the other; released at the end of the transaction.
SELECT pg_advisory_xact_lock(hashtextextended('watchkeeper.schema_migrations', 0))

-- name: create_schema
-- Everything of ours lives in one schema.
CREATE SCHEMA IF NOT EXISTS watchkeeper

-- name: create_migrations_table
-- The first migration of all.
CREATE TABLE IF NOT EXISTS watchkeeper.schema_migrations (
  version    integer PRIMARY KEY,
  name       text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
)

-- name: migration_applied
-- Whether one migration is done.
SELECT 1 AS done FROM watchkeeper.schema_migrations WHERE version = %(version)s

-- name: record_migration
-- Writes a migration down as done.
INSERT INTO watchkeeper.schema_migrations (version, name) VALUES (%(version)s, %(name)s)

-- name: listen_watchkeeper_ready
-- Subscribes to wake-ups: a job became claimable while somebody was asleep.
LISTEN watchkeeper_ready
