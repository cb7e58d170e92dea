-- When somebody last let a stopped worker work again: what it did before that is settled, and stops it no second time.
ALTER TABLE watchkeeper.workers ADD COLUMN IF NOT EXISTS resumed_at timestamptz;

CREATE OR REPLACE FUNCTION watchkeeper.note_resumed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.resumed_at := watchkeeper.now();
  RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER notes_resumed BEFORE UPDATE OF stopped_at ON watchkeeper.workers FOR EACH ROW
  WHEN (OLD.stopped_at IS NOT NULL AND NEW.stopped_at IS NULL) EXECUTE FUNCTION watchkeeper.note_resumed();
