-- The clock of the scratch database: it stands still but for what the simulation adds, so that a run can be replayed.
CREATE TABLE watchkeeper.soak_clock (begun timestamptz NOT NULL, shift interval NOT NULL);
INSERT INTO watchkeeper.soak_clock VALUES (clock_timestamp(), '0');
CREATE OR REPLACE FUNCTION watchkeeper.now() RETURNS timestamptz LANGUAGE sql VOLATILE AS
  'SELECT begun + shift FROM watchkeeper.soak_clock';
