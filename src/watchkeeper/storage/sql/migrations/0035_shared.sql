-- What people keep of the console and show to others: saved views, read-only links, and the key by which
-- badges are signed and rows of the trail are named.
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

CREATE TABLE IF NOT EXISTS watchkeeper.badge_keys (
  project_id text PRIMARY KEY,
  secret     bytea NOT NULL,
  made_at    timestamptz NOT NULL DEFAULT watchkeeper.now()
);
