-- The sealed audit: the order that seals are made in, what a seal keeps, checkpoints, timelines.

-- The total order. It is also how a sealer finds what it has not sealed.
CREATE INDEX IF NOT EXISTS audit_events_order ON watchkeeper.audit_events (timeline, xid, seq);

-- The hashes of the rows that a seal covers, 32 bytes each in the total order, so that the first bad row has a name; and
-- how many rows the chain covered before. A seal of no rows marks the begin of a timeline. Hashes do not compress.
ALTER TABLE watchkeeper.audit_seals ADD COLUMN IF NOT EXISTS rows_before bigint NOT NULL DEFAULT 0;
ALTER TABLE watchkeeper.audit_seals ADD COLUMN IF NOT EXISTS row_hashes bytea NOT NULL DEFAULT '';
ALTER TABLE watchkeeper.audit_seals ALTER COLUMN rows_before DROP DEFAULT;
ALTER TABLE watchkeeper.audit_seals ALTER COLUMN row_hashes DROP DEFAULT;
ALTER TABLE watchkeeper.audit_seals ALTER COLUMN row_hashes SET STORAGE EXTERNAL;

-- What was exported and dropped: a month's partition, as ranges of places in the chain ([from, to), counted in rows from its
-- begin). Chained and signed like seals.
CREATE TABLE IF NOT EXISTS watchkeeper.audit_checkpoints (
  project_id    text NOT NULL,
  number        bigint NOT NULL CHECK (number >= 1),
  partition     text NOT NULL,
  row_count     bigint NOT NULL CHECK (row_count >= 0),
  ranges        jsonb NOT NULL,
  file          text NOT NULL,
  file_sha256   text NOT NULL,
  file_bytes    bigint NOT NULL,
  hash_version  smallint NOT NULL,
  previous_hash bytea NOT NULL,
  hash          bytea NOT NULL,
  key_id        text NOT NULL,
  signature     bytea NOT NULL,
  created_at    timestamptz NOT NULL,
  PRIMARY KEY (project_id, number)
);
CREATE OR REPLACE TRIGGER audit_checkpoints_append_only BEFORE UPDATE OR DELETE ON watchkeeper.audit_checkpoints
  FOR EACH ROW EXECUTE FUNCTION watchkeeper.refuse_audit_change();
CREATE OR REPLACE TRIGGER audit_checkpoints_never_emptied BEFORE TRUNCATE ON watchkeeper.audit_checkpoints
  FOR EACH STATEMENT EXECUTE FUNCTION watchkeeper.refuse_audit_change();

-- The timeline that new rows are of is the default of their column, so that writers need not look it up.
CREATE OR REPLACE FUNCTION watchkeeper.audit_timeline() RETURNS integer LANGUAGE sql STABLE AS $$
SELECT pg_get_expr(d.adbin, d.adrelid)::integer
  FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
 WHERE d.adrelid = 'watchkeeper.audit_events'::regclass AND a.attname = 'timeline'
$$;

-- Waits for all writers, whose rows are then final.
CREATE OR REPLACE FUNCTION watchkeeper.set_audit_timeline(timeline integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER TABLE watchkeeper.audit_events ALTER COLUMN timeline SET DEFAULT %s', timeline);
END
$$;
