-- How many leases were updated, how many of them HOT, and how many transactions the database has seen.
SELECT s.n_tup_upd AS updated, s.n_tup_hot_upd AS hot, d.xact_commit AS committed
  FROM pg_stat_user_tables s, pg_stat_database d
 WHERE s.schemaname = 'watchkeeper' AND s.relname = 'leases' AND d.datname = current_database()
