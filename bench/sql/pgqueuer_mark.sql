-- The number above which a later log row is counted; $1, the entrypoint, does not matter to it.
SELECT coalesce(max(id), 0) FROM pgqueuer_log WHERE $1::text IS NOT NULL
