-- The server's processes that work for one database's watch.
SELECT coalesce(array_agg(pid), '{}') FROM pg_stat_activity WHERE datname = $1 AND application_name = 'watchkeeper'
