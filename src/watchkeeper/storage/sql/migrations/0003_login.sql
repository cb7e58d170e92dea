-- Login to the console: one-time codes, and the sessions that they are exchanged for. Of both only a hash is kept.

CREATE TABLE watchkeeper.login_codes (
  code_hash    bytea PRIMARY KEY,
  principal_id uuid NOT NULL REFERENCES watchkeeper.principals,
  role         text NOT NULL CHECK (role IN ('viewer', 'supervisor', 'owner')),
  project_id   text,
  created_at   timestamptz NOT NULL DEFAULT watchkeeper.now(),
  expires_at   timestamptz NOT NULL,
  used_at      timestamptz
);
CREATE INDEX login_codes_age ON watchkeeper.login_codes (expires_at);

CREATE TABLE watchkeeper.console_sessions (
  secret_hash  bytea PRIMARY KEY,
  principal_id uuid NOT NULL REFERENCES watchkeeper.principals,
  role         text NOT NULL CHECK (role IN ('viewer', 'supervisor', 'owner')),
  project_id   text,
  created_at   timestamptz NOT NULL DEFAULT watchkeeper.now(),
  expires_at   timestamptz NOT NULL,
  last_seen_at timestamptz NOT NULL DEFAULT watchkeeper.now()
);
CREATE INDEX console_sessions_age ON watchkeeper.console_sessions (expires_at);
