-- Which policies were ever in force, and who holds which now.

-- A policy that some process loaded, by the digest of what it says. `document` is what it said, redacted.
CREATE TABLE IF NOT EXISTS watchkeeper.policies (
  digest          text PRIMARY KEY,
  version         text NOT NULL,
  document        jsonb NOT NULL,
  first_loaded_at timestamptz NOT NULL DEFAULT watchkeeper.now(),
  first_loaded_by text NOT NULL
);

-- The policy that each process goes by: on which machine, read from where, since when, and when it was last heard of.
-- `trouble`: the document that stands there now was refused; the policy before it stays in force.
CREATE TABLE IF NOT EXISTS watchkeeper.policy_holders (
  machine       text NOT NULL,
  process       text NOT NULL,
  source        text NOT NULL,
  digest        text NOT NULL REFERENCES watchkeeper.policies,
  loaded_at     timestamptz NOT NULL DEFAULT watchkeeper.now(),
  seen_at       timestamptz NOT NULL DEFAULT watchkeeper.now(),
  trouble       text,
  trouble_since timestamptz,
  PRIMARY KEY (machine, process, source),
  CHECK ((trouble IS NULL) = (trouble_since IS NULL))
);
