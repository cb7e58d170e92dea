-- name: list_saved_views
-- The views that a principal saved in a project and those of the project, by name.
SELECT id, name, address, principal_id IS NULL AS of_project, saved_by, saved_at
  FROM watchkeeper.saved_views
 WHERE project_id = %(project_id)s AND (principal_id IS NULL OR principal_id = %(principal_id)s)
 ORDER BY of_project DESC, name LIMIT 400

-- name: count_saved_views
-- How many views are kept in one place: a principal's in a project, or the project's.
SELECT count(*) AS count FROM watchkeeper.saved_views
 WHERE project_id = %(project_id)s AND principal_id IS NOT DISTINCT FROM %(owner)s::uuid

-- name: save_view
-- Keeps a view under its name, in the place of one of that name.
WITH saved AS (
  INSERT INTO watchkeeper.saved_views (project_id, principal_id, name, address, saved_by)
  VALUES (%(project_id)s, %(owner)s::uuid, %(name)s, %(address)s, %(actor)s)
  ON CONFLICT (project_id, coalesce(principal_id, '00000000-0000-0000-0000-000000000000'), name)
  DO UPDATE SET address = excluded.address, saved_by = excluded.saved_by, saved_at = watchkeeper.now()
  RETURNING id, name, address, principal_id IS NULL AS of_project, saved_by, saved_at
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, reason, data)
  SELECT %(project_id)s, 'view_saved', %(actor)s, %(reason)s::text,
         jsonb_build_object('view_id', id, 'name', name, 'address', address, 'of_project', of_project) FROM saved
)
SELECT * FROM saved

-- name: find_saved_view
-- A view that a principal may see.
SELECT id, name, address, principal_id IS NULL AS of_project, saved_by, saved_at FROM watchkeeper.saved_views
 WHERE project_id = %(project_id)s AND id = %(id)s AND (principal_id IS NULL OR principal_id = %(principal_id)s)

-- name: remove_view
-- Removes a view; no row where it is gone already.
WITH removed AS (
  DELETE FROM watchkeeper.saved_views WHERE project_id = %(project_id)s AND id = %(id)s RETURNING id, name
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, reason, data)
  SELECT %(project_id)s, 'view_removed', %(actor)s, %(reason)s, jsonb_build_object('view_id', id, 'name', name) FROM removed
)
SELECT id FROM removed

-- name: make_share_link
-- Makes a read-only link, by its token's hash.
WITH made AS (
  INSERT INTO watchkeeper.share_links (project_id, token_hash, address, reason, made_by, expires_at)
  VALUES (%(project_id)s, %(token_hash)s, %(address)s, %(reason)s, %(actor)s,
          watchkeeper.now() + %(days)s::float8 * interval '1 day')
  RETURNING id, address, reason, made_by, made_at, expires_at
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, reason, data)
  SELECT %(project_id)s, 'share_link_made', %(actor)s, reason,
         jsonb_build_object('share_id', id, 'address', address, 'expires_at', expires_at) FROM made
)
SELECT * FROM made

-- name: list_share_links
-- The links of a project, the newest first; those that no longer open anything say so.
SELECT id, address, reason, made_by, made_at, expires_at, revoked_at, revoked_by, opened_at,
       CASE WHEN revoked_at IS NOT NULL THEN 'revoked' WHEN expires_at <= watchkeeper.now() THEN 'expired' ELSE 'open' END
         AS state
  FROM watchkeeper.share_links WHERE project_id = %(project_id)s ORDER BY id DESC LIMIT 500

-- name: revoke_share_link
-- Ends a link at once; no row where there is none that is open.
WITH revoked AS (
  UPDATE watchkeeper.share_links SET revoked_at = watchkeeper.now(), revoked_by = %(actor)s
   WHERE project_id = %(project_id)s AND id = %(id)s AND revoked_at IS NULL RETURNING id, address
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, reason, data)
  SELECT %(project_id)s, 'share_link_revoked', %(actor)s, %(reason)s, jsonb_build_object('share_id', id, 'address', address)
    FROM revoked
)
SELECT id FROM revoked

-- name: find_share_link
-- What a token shows, while its link is open.
SELECT project_id, id, address, reason, expires_at,
       opened_at IS NULL OR opened_at < watchkeeper.now() - interval '1 hour' AS note_opening
  FROM watchkeeper.share_links
 WHERE token_hash = %(token_hash)s AND revoked_at IS NULL AND expires_at > watchkeeper.now()

-- name: note_share_opened
-- Writes down that a link was opened, at most once an hour: who opens it again and again fills no trail.
WITH opened AS (
  UPDATE watchkeeper.share_links SET opened_at = watchkeeper.now()
   WHERE project_id = %(project_id)s AND id = %(id)s
     AND (opened_at IS NULL OR opened_at < watchkeeper.now() - interval '1 hour')
  RETURNING id, address
)
INSERT INTO watchkeeper.audit_events (project_id, event, actor, data)
SELECT %(project_id)s, 'share_link_opened', 'share:' || id, jsonb_build_object('share_id', id, 'address', address) FROM opened
RETURNING 1

-- name: badge_key
-- The key that a project's badges are signed with; made where there is none, if one is given.
WITH made AS (
  INSERT INTO watchkeeper.badge_keys (project_id, secret)
  SELECT project_id, %(secret)s::bytea FROM watchkeeper.projects
   WHERE project_id = %(project_id)s AND %(secret)s::bytea IS NOT NULL
  ON CONFLICT DO NOTHING RETURNING secret
)
SELECT secret FROM made UNION ALL SELECT secret FROM watchkeeper.badge_keys WHERE project_id = %(project_id)s LIMIT 1

-- name: row_name_key
-- The key that a project's audit rows are named with: the first that its badges had; made where there is none.
WITH made AS (
  INSERT INTO watchkeeper.badge_keys (project_id, secret)
  SELECT project_id, %(secret)s::bytea FROM watchkeeper.projects
   WHERE project_id = %(project_id)s AND %(secret)s::bytea IS NOT NULL
  ON CONFLICT DO NOTHING RETURNING secret
)
SELECT secret FROM made
 UNION ALL SELECT coalesce(names_secret, secret) FROM watchkeeper.badge_keys WHERE project_id = %(project_id)s LIMIT 1

-- name: renew_badge_key
-- Gives a project's badges another key, so that the addresses of before show nothing.
WITH renewed AS (
  INSERT INTO watchkeeper.badge_keys (project_id, secret) VALUES (%(project_id)s, %(secret)s)
  ON CONFLICT (project_id) DO UPDATE
     SET names_secret = coalesce(badge_keys.names_secret, badge_keys.secret), secret = excluded.secret, made_at = watchkeeper.now()
  RETURNING project_id
)
INSERT INTO watchkeeper.audit_events (project_id, event, actor, reason)
SELECT project_id, 'badges_renewed', %(actor)s, %(reason)s FROM renewed RETURNING 1

-- name: badge_state
-- How much of a project waits for people: grave incidents that nobody takes care of, and jobs that stay stuck; and whether
-- a watchdog looks, without which nothing known is no good news.
SELECT (SELECT count(*) FROM (SELECT FROM watchkeeper.watchdog_incidents
                               WHERE project_id = %(project_id)s AND state IN ('open', 'escalated', 'needs_human')
                                 AND severity IN ('high', 'critical') LIMIT 1000) x)
       + (SELECT count(*) FROM (SELECT FROM watchkeeper.held_jobs
                                 WHERE project_id = %(project_id)s AND state = 'stuck' LIMIT 1000) x) AS needing,
       coalesce((SELECT last_tick_at > watchkeeper.now() - interval '1 minute' AND blind_since IS NULL
                   FROM watchkeeper.watchdog_state), false) AS is_watched
