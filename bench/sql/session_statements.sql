-- How many of this session's statements were executed, those that look at the server not counted.
SELECT coalesce(sum(generic_plans + custom_plans), 0)::int AS executed
  FROM pg_prepared_statements WHERE position('pg_' IN statement) = 0
