-- The room of each table with its indexes and partitions, in bytes.
SELECT coalesce(p.inhparent, c.oid)::regclass::text AS name, sum(pg_total_relation_size(c.oid))::bigint AS bytes
  FROM pg_class c LEFT JOIN pg_inherits p ON p.inhrelid = c.oid
 WHERE c.relnamespace = 'watchkeeper'::regnamespace AND c.relkind = 'r' AND c.relname <> 'bench_clock'
 GROUP BY 1
