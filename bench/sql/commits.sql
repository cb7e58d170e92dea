-- How many transactions a database has seen.
SELECT xact_commit FROM pg_stat_database WHERE datname = $1
