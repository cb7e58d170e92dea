-- name: clock
-- The database's time.
SELECT watchkeeper.now() AS now

-- name: system_facts
-- What an operator's diagnosis looks at: durability, replicas as far as this role may see them, switches.
SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS synchronous_commit,
       (SELECT count(*) FROM pg_stat_replication) AS replicas,
       (SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')) AS synchronous_replicas,
       claims.is_on AS claims_on, claims.reason AS claims_reason, actions.is_on AS actions_on, actions.reason AS actions_reason
  FROM watchkeeper.switches claims, watchkeeper.switches actions
 WHERE claims.name = 'claims' AND actions.name = 'actions'

-- name: try_idempotency_lock
-- Holds an idempotency key until the end of the transaction; false while another request holds it.
SELECT pg_try_advisory_xact_lock(
         hashtextextended(concat_ws(chr(31), %(project_id)s::text, %(principal_id)s::uuid, %(route)s::text, %(key)s::text), 0)
       ) AS taken
