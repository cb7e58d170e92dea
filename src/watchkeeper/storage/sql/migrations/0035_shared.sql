-- What people keep of the console and show to others: saved views, read-only links, and the key that badges are signed with.
CREATE TABLE IF NOT EXISTS watchkeeper.saved_views (
  id           uuid NOT NULL DEFAULT watchkeeper.uuid7(),
  project_id   text NOT NULL,
  principal_id uuid,
  name         text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  address      text NOT NULL CHECK (length(address) <= 1500),
  saved_by     text NOT NULL,
  saved_at     timestamptz NOT NULL DEFAULT watchkeeper.now(),
  PRIMARY KEY (project_id, id)
);
COMMENT ON COLUMN watchkeeper.saved_views.principal_id IS 'whose it is; NULL: the project''s';
CREATE UNIQUE INDEX IF NOT EXISTS saved_views_name ON watchkeeper.saved_views
  (project_id, coalesce(principal_id, '00000000-0000-0000-0000-000000000000'), name);

-- A link shows one page to whoever has it, until it runs out or is revoked. Of its token only the hash is kept.
CREATE TABLE IF NOT EXISTS watchkeeper.share_links (
  id         uuid NOT NULL DEFAULT watchkeeper.uuid7(),
  project_id text NOT NULL,
  token_hash bytea NOT NULL UNIQUE,
  address    text NOT NULL CHECK (length(address) <= 1500),
  reason     text NOT NULL,
  made_by    text NOT NULL,
  made_at    timestamptz NOT NULL DEFAULT watchkeeper.now(),
  expires_at timestamptz NOT NULL,
  revoked_at timestamptz,
  revoked_by text,
  opened_at  timestamptz,
  PRIMARY KEY (project_id, id),
  CHECK ((revoked_by IS NULL) = (revoked_at IS NULL))
);
CREATE INDEX IF NOT EXISTS share_links_age ON watchkeeper.share_links (expires_at);

-- A page of the trail is found again by the time at which the page before ended. Rows come in the order of time.
CREATE INDEX IF NOT EXISTS audit_events_at ON watchkeeper.audit_events USING brin (at)
  WITH (autosummarize = on, pages_per_range = 32);

CREATE TABLE IF NOT EXISTS watchkeeper.badge_keys (
  project_id text PRIMARY KEY,
  secret     bytea NOT NULL,
  made_at    timestamptz NOT NULL DEFAULT watchkeeper.now()
);
