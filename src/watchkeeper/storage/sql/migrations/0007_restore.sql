-- Coming back from a backup: what a restored database remembers of it, and how it stands still until a person says go.

-- Each restore of this database. While one has not been resumed nothing moves: claims and actions are off, and the
-- duties that would reap, promote, fire or forget rest.
CREATE TABLE watchkeeper.restores (
  id              uuid PRIMARY KEY DEFAULT watchkeeper.uuid7(),
  taken_at        timestamptz NOT NULL,
  product         text NOT NULL,
  timeline        integer NOT NULL,
  epoch_jump      integer NOT NULL CHECK (epoch_jump > 0),
  claims_were_on  boolean NOT NULL,
  actions_were_on boolean NOT NULL,
  restored_by     text NOT NULL,
  restored_at     timestamptz NOT NULL DEFAULT watchkeeper.now(),
  resumed_by      text,
  resumed_at      timestamptz,
  resume_reason   text,
  CHECK ((resumed_by IS NULL) = (resumed_at IS NULL))
);
CREATE UNIQUE INDEX restores_unresumed ON watchkeeper.restores ((true)) WHERE resumed_at IS NULL;

-- A completion of a job that came after the backup names a job that is not here.
ALTER TABLE watchkeeper.reconcile_items ALTER COLUMN seq DROP NOT NULL;
CREATE INDEX reconcile_items_undecided ON watchkeeper.reconcile_items (project_id, id) WHERE decided_at IS NULL;

-- When the stored file was first missed or found changed; NULL again once it is back.
ALTER TABLE watchkeeper.artifacts ADD COLUMN lost_at timestamptz;

-- How many rows each table holds, in the snapshot of the caller; what a crash empties is left out.
CREATE FUNCTION watchkeeper.table_counts() RETURNS TABLE (name text, row_count bigint)
LANGUAGE plpgsql STABLE AS $$
BEGIN
  FOR name IN SELECT c.relname FROM pg_class c
               WHERE c.relnamespace = 'watchkeeper'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
                 AND c.relpersistence = 'p'
               ORDER BY c.relname LOOP
    EXECUTE format('SELECT count(*) FROM watchkeeper.%I', name) INTO row_count;
    RETURN NEXT;
  END LOOP;
END
$$;

-- A new month's partition locks the audit trail for a moment. While a backup reads it that moment would last as long as
-- the backup, and every claim would wait behind: it is asked for again later instead.
ALTER FUNCTION watchkeeper.add_audit_partition(date) SET lock_timeout = '50ms';
