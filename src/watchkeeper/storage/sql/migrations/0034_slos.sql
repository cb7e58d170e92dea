-- How attempts ended, counted by pool and five minutes, so that objectives read no attempt twice.
CREATE TABLE IF NOT EXISTS watchkeeper.slo_counts (
  project_id text NOT NULL,
  pool       text NOT NULL,
  begins_at  timestamptz NOT NULL,
  good       integer NOT NULL,
  bad        integer NOT NULL,
  PRIMARY KEY (project_id, pool, begins_at)
);

-- Up to where they are counted; the row is what counters on many machines take in turn.
CREATE TABLE IF NOT EXISTS watchkeeper.slo_state (
  always     boolean PRIMARY KEY DEFAULT true CHECK (always),
  counted_to timestamptz,
  counted_at timestamptz
);
INSERT INTO watchkeeper.slo_state DEFAULT VALUES ON CONFLICT DO NOTHING;

-- An end costs no index row: ends come in the order of time, so that a summary of pages finds them. "multi" keeps it
-- narrow where retention has freed a page that new rows fill.
CREATE INDEX IF NOT EXISTS closed_attempts_ended ON watchkeeper.closed_attempts
  USING brin (ended_at timestamptz_minmax_multi_ops) WITH (autosummarize = on, pages_per_range = 32);
