-- Rows of the trail keep their names when badges get another key: the first key goes on naming them.
ALTER TABLE watchkeeper.badge_keys ADD COLUMN IF NOT EXISTS names_secret bytea;
COMMENT ON COLUMN watchkeeper.badge_keys.names_secret IS 'names the rows of the trail; NULL: secret does';
