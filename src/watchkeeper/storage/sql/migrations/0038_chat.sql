-- Chats: what LINE, Telegram and Slack tell us. A door is an address that a platform posts to, for one alert channel; what
-- its requests are proved by stands in a table of its own, which no answer shows. Of codes and buttons only hashes are kept.

CREATE TABLE IF NOT EXISTS watchkeeper.chat_doors (
  id            text PRIMARY KEY,
  project_id    text NOT NULL,
  channel       text NOT NULL,
  platform      text NOT NULL CHECK (platform IN ('line', 'telegram', 'slack')),
  language      text NOT NULL DEFAULT 'en',
  opened_by     text NOT NULL,
  open_reason   text,
  opened_at     timestamptz NOT NULL DEFAULT watchkeeper.now(),
  last_event_at timestamptz,
  UNIQUE (project_id, channel)
);

CREATE TABLE IF NOT EXISTS watchkeeper.chat_door_secrets (
  door_id text PRIMARY KEY REFERENCES watchkeeper.chat_doors (id) ON DELETE CASCADE,
  secret  text NOT NULL
);

-- Chats that a door has heard of: so a person finds the id that messages are sent to.
CREATE TABLE IF NOT EXISTS watchkeeper.chat_places (
  project_id    text NOT NULL,
  channel       text NOT NULL,
  chat          text NOT NULL,
  kind          text NOT NULL,
  title         text,
  first_seen_at timestamptz NOT NULL DEFAULT watchkeeper.now(),
  last_seen_at  timestamptz NOT NULL DEFAULT watchkeeper.now(),
  PRIMARY KEY (project_id, channel, chat)
);

-- What was told and asks for something, once under the platform's own id. `reply` is good for moments, and goes when answered.
CREATE TABLE IF NOT EXISTS watchkeeper.chat_events (
  project_id   text NOT NULL,
  channel      text NOT NULL,
  event_id     text NOT NULL,
  wish         text NOT NULL,
  chat         text NOT NULL,
  account      text,
  account_name text,
  said         text,
  secret_hash  bytea,
  reply_by     text NOT NULL,
  reply        text,
  message      text,
  received_at  timestamptz NOT NULL DEFAULT watchkeeper.now(),
  taken_at     timestamptz,
  tries        integer NOT NULL DEFAULT 0,
  outcome      text,
  answer       text,
  handled_at   timestamptz,
  error        text,
  PRIMARY KEY (project_id, channel, event_id)
);
CREATE INDEX IF NOT EXISTS chat_events_open ON watchkeeper.chat_events (received_at) WHERE handled_at IS NULL;
CREATE INDEX IF NOT EXISTS chat_events_age ON watchkeeper.chat_events (handled_at) WHERE handled_at IS NOT NULL;

CREATE TABLE IF NOT EXISTS watchkeeper.chat_codes (
  code_hash    bytea PRIMARY KEY,
  principal_id uuid NOT NULL,
  token_id     uuid,
  role         text NOT NULL,
  scope        text,
  expires_at   timestamptz NOT NULL,
  used_at      timestamptz
);

-- Whose account in a chat is whose here: with the role of the token that the code was made with, while that token lives.
CREATE TABLE IF NOT EXISTS watchkeeper.chat_links (
  id           uuid PRIMARY KEY DEFAULT watchkeeper.uuid7(),
  project_id   text NOT NULL,
  channel      text NOT NULL,
  account      text NOT NULL,
  account_name text,
  principal_id uuid NOT NULL,
  token_id     uuid,
  role         text NOT NULL,
  scope        text,
  linked_at    timestamptz NOT NULL DEFAULT watchkeeper.now(),
  used_at      timestamptz,
  UNIQUE (project_id, channel, account)
);

-- Buttons that stand in chats: a one-shot token each, bound to what it was made for.
CREATE TABLE IF NOT EXISTS watchkeeper.chat_buttons (
  token_hash      bytea PRIMARY KEY,
  project_id      text NOT NULL,
  channel_project text NOT NULL,
  channel         text NOT NULL,
  act             text NOT NULL,
  alert_id        uuid,
  incident_id     uuid,
  repair_id       uuid,
  plan_digest     text,
  link_id         uuid,
  created_at      timestamptz NOT NULL DEFAULT watchkeeper.now(),
  expires_at      timestamptz NOT NULL,
  used_at         timestamptz,
  used_by         text,
  settled_at      timestamptz
);
CREATE INDEX IF NOT EXISTS chat_buttons_age ON watchkeeper.chat_buttons (expires_at);
CREATE INDEX IF NOT EXISTS chat_buttons_open ON watchkeeper.chat_buttons (created_at) WHERE settled_at IS NULL;
