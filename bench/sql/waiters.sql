-- How many sessions wait for a lock on a table.
SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted AND relation = $1::regclass
