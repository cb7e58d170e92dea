-- Connections to a database that wait for notifications, by what they last said.
SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND query ILIKE 'listen %'
