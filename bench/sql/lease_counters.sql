-- How many leases were updated, and how many of them HOT.
SELECT n_tup_upd AS updated, n_tup_hot_upd AS hot
  FROM pg_stat_user_tables WHERE schemaname = 'watchkeeper' AND relname = 'leases'
