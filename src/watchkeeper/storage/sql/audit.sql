-- name: audit_tip
-- Where the chain ends, the oldest writer's transaction, the timeline of new rows, and the hash of a seal that is known.
SELECT coalesce(s.number, 0) AS number, coalesce(s.timeline, 1) AS last_timeline, coalesce(s.last_xid, '0'::xid8) AS last_xid,
       coalesce(s.last_seq, 0) AS last_seq, coalesce(s.rows_before + s.row_count, 0) AS rows_sealed, s.hash, s.key_id,
       watchkeeper.audit_timeline() AS timeline, pg_snapshot_xmin(pg_current_snapshot()) AS horizon,
       watchkeeper.now() AS now,
       (SELECT w.hash FROM watchkeeper.audit_seals w WHERE w.project_id = 'system' AND w.number = %(witness)s::bigint) AS witness
  FROM (SELECT) always
  LEFT JOIN LATERAL (SELECT * FROM watchkeeper.audit_seals WHERE project_id = 'system'
                      ORDER BY number DESC LIMIT 1) s ON true

-- name: audit_rows_after
-- The next rows of one timeline behind a place, in the total order, as far as transactions have ended for certain.
SELECT timeline, xid, seq, at, project_id, event, actor, on_behalf_of, job_seq, epoch, old_state, new_state, reason,
       data::text AS data, output_hash
  FROM watchkeeper.audit_events
 WHERE (timeline, xid, seq) > (%(timeline)s::integer, %(xid)s::text::xid8, %(seq)s::bigint)
   AND timeline = %(of_timeline)s::integer AND xid < %(horizon)s::text::xid8
 ORDER BY timeline, xid, seq LIMIT %(limit)s

-- name: add_audit_seal
-- Adds a seal; no row where another sealer has taken its number. Waits for one that is being written.
INSERT INTO watchkeeper.audit_seals (project_id, number, rows_before, timeline, first_xid, first_seq, last_xid, last_seq,
                                     row_count, row_hashes, hash_version, previous_hash, hash, key_id, signature, sealed_at)
VALUES ('system', %(number)s, %(rows_before)s, %(timeline)s, %(first_xid)s::text::xid8, %(first_seq)s,
        %(last_xid)s::text::xid8, %(last_seq)s, %(row_count)s, %(row_hashes)s, %(hash_version)s, %(previous_hash)s,
        %(hash)s, %(key_id)s, %(signature)s, %(sealed_at)s::text::timestamptz)
ON CONFLICT (project_id, number) DO NOTHING
RETURNING number

-- name: set_audit_timeline
-- Makes new rows part of another timeline; waits for all writers, whose rows are then final.
SELECT watchkeeper.set_audit_timeline(%(timeline)s)

-- name: lock_audit_rows
-- Waits until nobody writes audit rows, and lets nobody begin before the end of the transaction.
LOCK TABLE watchkeeper.audit_events IN ACCESS EXCLUSIVE MODE

-- name: free_audit_timeline
-- The lowest timeline above another that no row claims to be of; NULL where a thousand are taken, or none is left.
SELECT min(t) AS timeline FROM generate_series(%(above)s::bigint + 1, least(%(above)s::bigint + 1000, 2147483647)) t
 WHERE NOT EXISTS (SELECT FROM watchkeeper.audit_events e WHERE e.timeline = t::integer)

-- name: record_timeline
-- Writes down that the audit trail goes on after a restore.
INSERT INTO watchkeeper.audit_events (project_id, event, actor, data)
VALUES ('system', 'timeline_began', %(actor)s,
        jsonb_build_object('timeline', %(timeline)s::integer, 'restored_from', %(restored_from)s::text,
                           'abandoned_above', %(abandoned_above)s::bigint))

-- name: audit_lag
-- How far the chain is behind: its head, the oldest rows that it does not cover yet, of at most 10,000, and whether one
-- is of a transaction or time that is still to come.
WITH tip AS (
  SELECT timeline, last_xid, last_seq, number, sealed_at FROM watchkeeper.audit_seals
   WHERE project_id = 'system' ORDER BY number DESC LIMIT 1
), place AS (
  SELECT coalesce((SELECT timeline FROM tip), 1) AS timeline, coalesce((SELECT last_xid FROM tip), '0'::xid8) AS xid,
         coalesce((SELECT last_seq FROM tip), 0) AS seq
), unsealed AS (
  SELECT e.at FROM place p CROSS JOIN LATERAL (
    SELECT at FROM watchkeeper.audit_events
     WHERE (timeline, xid, seq) > (p.timeline, p.xid, p.seq) ORDER BY timeline, xid, seq LIMIT 10000) e
)
SELECT (SELECT number FROM tip) AS number, (SELECT sealed_at FROM tip) AS sealed_at,
       (SELECT count(*) FROM unsealed) AS unsealed_rows,
       greatest(coalesce(extract(epoch FROM (SELECT watchkeeper.now()) - (SELECT min(at) FROM unsealed)), 0), 0)::float8
         AS lag_seconds,
       EXISTS (SELECT FROM unsealed WHERE at > (SELECT watchkeeper.now()) + interval '1 minute')
         OR coalesce((SELECT (timeline, xid) >= (watchkeeper.audit_timeline(), pg_snapshot_xmax(pg_current_snapshot()))
                        FROM watchkeeper.audit_events ORDER BY timeline DESC, xid DESC, seq DESC LIMIT 1), false) AS inserted

-- name: newest_audit_checkpoint
-- The last checkpoint: its number and hash; number 0 where nothing was archived.
SELECT coalesce(c.number, 0) AS number, c.hash FROM (SELECT) always
  LEFT JOIN LATERAL (SELECT number, hash FROM watchkeeper.audit_checkpoints WHERE project_id = 'system'
                      ORDER BY number DESC LIMIT 1) c ON true

-- name: read_steadily
-- Makes the transaction see one moment, however long it reads.
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY

-- name: audit_rows_in_order
-- All rows in the total order, raw.
SELECT timeline, xid, seq, at, project_id, event, actor, on_behalf_of, job_seq, epoch, old_state, new_state, reason,
       data::text AS data, output_hash
  FROM watchkeeper.audit_events ORDER BY timeline, xid, seq

-- name: audit_seals_in_order
-- All seals in the order of their numbers, raw.
SELECT number, rows_before, timeline, first_xid, first_seq, last_xid, last_seq, row_count, row_hashes, previous_hash,
       key_id, sealed_at, hash_version, hash, signature
  FROM watchkeeper.audit_seals
 WHERE project_id = 'system' AND number BETWEEN %(first)s::bigint AND %(last)s::bigint ORDER BY number

-- name: audit_checkpoints_in_order
-- All checkpoints in the order of their numbers, raw.
SELECT number, partition, row_count, ranges::text AS ranges, file, file_sha256, file_bytes, hash_version, previous_hash, hash,
       key_id, signature, created_at
  FROM watchkeeper.audit_checkpoints WHERE project_id = 'system' ORDER BY number

-- name: audit_moment
-- The database's time, the timeline of new rows, the oldest writer's transaction, and the first that has not begun; raw.
SELECT watchkeeper.now() AS now, watchkeeper.audit_timeline() AS timeline,
       pg_snapshot_xmin(pg_current_snapshot()) AS horizon, pg_snapshot_xmax(pg_current_snapshot()) AS ceiling

-- name: audit_month
-- The partition of a month: whether it is one, whether the month is over, and where its rows begin and end in the order.
WITH month AS (
  SELECT 'audit_events_' || to_char(%(month)s::date, 'YYYY_MM') AS partition,
         date_trunc('month', %(month)s::date::timestamp) AT TIME ZONE 'UTC' AS begins,
         (date_trunc('month', %(month)s::date::timestamp) + interval '1 month') AT TIME ZONE 'UTC' AS ends
)
SELECT m.partition, m.ends <= watchkeeper.now() AS over, watchkeeper.now() AS now,
       EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = 'watchkeeper.audit_events'::regclass
                  AND i.inhrelid = to_regclass('watchkeeper.' || m.partition)) AS present,
       f.timeline AS first_timeline, f.xid AS first_xid, f.seq AS first_seq,
       l.timeline AS last_timeline, l.xid AS last_xid, l.seq AS last_seq
  FROM month m
  LEFT JOIN LATERAL (SELECT timeline, xid, seq FROM watchkeeper.audit_events WHERE at >= m.begins AND at < m.ends
                      ORDER BY timeline, xid, seq LIMIT 1) f ON true
  LEFT JOIN LATERAL (SELECT timeline, xid, seq FROM watchkeeper.audit_events WHERE at >= m.begins AND at < m.ends
                      ORDER BY timeline DESC, xid DESC, seq DESC LIMIT 1) l ON true

-- name: audit_rows_of_month
-- A month's rows in the total order, raw.
SELECT timeline, xid, seq, at, project_id, event, actor, on_behalf_of, job_seq, epoch, old_state, new_state, reason,
       data::text AS data, output_hash
  FROM watchkeeper.audit_events
 WHERE at >= date_trunc('month', %(month)s::date::timestamp) AT TIME ZONE 'UTC'
   AND at < (date_trunc('month', %(month)s::date::timestamp) + interval '1 month') AT TIME ZONE 'UTC'
 ORDER BY timeline, xid, seq

-- name: audit_rows_behind
-- All rows behind a place in the total order, raw.
SELECT timeline, xid, seq, at, project_id, event, actor, on_behalf_of, job_seq, epoch, old_state, new_state, reason,
       data::text AS data, output_hash
  FROM watchkeeper.audit_events
 WHERE (timeline, xid, seq) > (%(timeline)s::integer, %(xid)s::text::xid8, %(seq)s::bigint)
 ORDER BY timeline, xid, seq

-- name: audit_seals_around
-- The numbers of the seals whose rows touch a range of the total order.
SELECT min(number) AS first, max(number) AS last FROM watchkeeper.audit_seals
 WHERE project_id = 'system'
   AND (timeline, last_xid, last_seq) >= (%(first_timeline)s::integer, %(first_xid)s::text::xid8, %(first_seq)s::bigint)
   AND (timeline, first_xid, first_seq) <= (%(last_timeline)s::integer, %(last_xid)s::text::xid8, %(last_seq)s::bigint)

-- name: lock_audit_partition
-- Lets nobody write to a partition any more; its name is filled in.
LOCK TABLE {partition} IN SHARE MODE

-- name: bound_lock_wait
-- Waits for no lock longer than a claim may wait.
SET LOCAL lock_timeout = '50ms'

-- name: drop_audit_partition
-- Drops a partition with its rows; its name is filled in.
DROP TABLE {partition}

-- name: add_audit_checkpoint
-- Writes down what was archived, and that it was, and by whom.
WITH added AS (
  INSERT INTO watchkeeper.audit_checkpoints (project_id, number, partition, row_count, ranges, file, file_sha256, file_bytes,
                                             hash_version, previous_hash, hash, key_id, signature, created_at)
  VALUES ('system', %(number)s, %(partition)s, %(row_count)s, %(ranges)s::text::jsonb, %(file)s, %(file_sha256)s,
          %(file_bytes)s, %(hash_version)s, %(previous_hash)s, %(hash)s, %(key_id)s, %(signature)s,
          %(created_at)s::text::timestamptz)
)
INSERT INTO watchkeeper.audit_events (project_id, event, actor, reason, data)
VALUES ('system', 'audit_archived', %(actor)s, %(reason)s::text,
        jsonb_build_object('checkpoint', %(number)s::bigint, 'partition', %(partition)s::text, 'rows', %(row_count)s::bigint,
                           'file', %(file)s::text, 'file_sha256', %(file_sha256)s::text))

-- name: audit_reach
-- Where the search for a page ends at the latest: so many rows of all projects further back; no row where fewer are left.
SELECT e.timeline, e.xid::text AS xid, e.seq FROM watchkeeper.audit_events e
 WHERE (e.timeline, e.xid, e.seq) < (%(timeline)s::integer, %(xid)s::text::xid8, %(seq)s::bigint)
 ORDER BY e.timeline DESC, e.xid DESC, e.seq DESC OFFSET %(reach)s LIMIT 1

-- name: audit_page
-- A project's audit rows down to where the search ends, the newest in the total order first, each with its job's id.
SELECT a.timeline, a.xid::text AS xid, a.seq, a.at, a.event, a.actor, a.on_behalf_of, a.job_seq, s.id AS job_id, a.epoch,
       a.old_state, a.new_state, a.reason, a.data, a.output_hash
  FROM (SELECT * FROM watchkeeper.audit_events
         WHERE project_id = %(project_id)s
           AND (timeline, xid, seq) < (%(timeline)s::integer, %(xid)s::text::xid8, %(seq)s::bigint)
           AND (timeline, xid, seq) >= (%(to_timeline)s::integer, %(to_xid)s::text::xid8, %(to_seq)s::bigint)
           AND (%(event)s::text IS NULL OR event = %(event)s::text)
           AND (%(actor)s::text IS NULL OR actor = %(actor)s::text)
         ORDER BY timeline DESC, xid DESC, seq DESC LIMIT %(limit)s) a
  LEFT JOIN watchkeeper.job_specs s ON s.project_id = a.project_id AND s.seq = a.job_seq
 ORDER BY a.timeline DESC, a.xid DESC, a.seq DESC

-- name: audit_page_of_job
-- The same of one job, whose rows have an index of their own.
SELECT a.timeline, a.xid::text AS xid, a.seq, a.at, a.event, a.actor, a.on_behalf_of, a.job_seq, %(job_id)s::uuid AS job_id,
       a.epoch, a.old_state, a.new_state, a.reason, a.data, a.output_hash
  FROM watchkeeper.audit_events a
 WHERE a.project_id = %(project_id)s AND a.job_seq = %(job_seq)s::bigint
   AND (a.timeline, a.xid, a.seq) < (%(timeline)s::integer, %(xid)s::text::xid8, %(seq)s::bigint)
   AND (%(event)s::text IS NULL OR a.event = %(event)s::text)
   AND (%(actor)s::text IS NULL OR a.actor = %(actor)s::text)
 ORDER BY a.timeline DESC, a.xid DESC, a.seq DESC LIMIT %(limit)s

-- name: audit_row
-- One of a project's rows by its place.
SELECT a.timeline, a.xid::text AS xid, a.seq, a.at, a.event, a.actor, a.on_behalf_of, a.job_seq, s.id AS job_id, a.epoch,
       a.old_state, a.new_state, a.reason, a.data, a.output_hash
  FROM watchkeeper.audit_events a
  LEFT JOIN watchkeeper.job_specs s ON s.project_id = a.project_id AND s.seq = a.job_seq
 WHERE a.project_id = %(project_id)s
   AND (a.timeline, a.xid, a.seq) = (%(timeline)s::integer, %(xid)s::text::xid8, %(seq)s::bigint)

-- name: audit_covered
-- Whether the last seal ends at or behind a place: what stands before it is sealed.
SELECT coalesce((SELECT (timeline, last_xid, last_seq) >= (%(timeline)s::integer, %(xid)s::text::xid8, %(seq)s::bigint)
                   FROM watchkeeper.audit_seals WHERE project_id = 'system' ORDER BY number DESC LIMIT 1), false) AS sealed
