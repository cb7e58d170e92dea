-- A clock that moves by whole days, instead of the database's own.
CREATE TABLE watchkeeper.bench_clock (shift interval NOT NULL);
INSERT INTO watchkeeper.bench_clock VALUES ('0');
CREATE OR REPLACE FUNCTION watchkeeper.now() RETURNS timestamptz LANGUAGE sql VOLATILE AS
  'SELECT clock_timestamp() + shift FROM watchkeeper.bench_clock'
