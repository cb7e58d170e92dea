-- name: principal_kind
-- What sort of principal somebody is.
SELECT kind FROM watchkeeper.principals WHERE id = %(id)s::uuid

-- name: add_approval
-- Keeps a person's word on a plan.
INSERT INTO watchkeeper.approvals (project_id, repair_id, plan_digest, decision, actor, actor_id, reason, created_at, expires_at)
SELECT %(project_id)s, %(repair_id)s::uuid, %(plan_digest)s, %(decision)s, %(actor)s, %(actor_id)s::uuid, %(reason)s, clock.now,
       CASE WHEN %(decision)s = 'approved' THEN clock.now + make_interval(secs => %(lifetime_seconds)s::float8) END
  FROM (SELECT watchkeeper.now() AS now) clock
RETURNING id, expires_at

-- name: standing_approvals
-- The approvals of a plan that may still be used: not used, not withdrawn, not run out; one for each person.
SELECT DISTINCT ON (actor_id) id, actor, actor_id, expires_at
  FROM watchkeeper.approvals
 WHERE project_id = %(project_id)s AND repair_id = %(repair_id)s::uuid AND plan_digest = %(plan_digest)s
   AND decision = 'approved' AND used_at IS NULL AND withdrawn_at IS NULL AND expires_at > watchkeeper.now()
 ORDER BY actor_id, expires_at DESC

-- name: use_approvals
-- Uses approvals up.
UPDATE watchkeeper.approvals SET used_at = watchkeeper.now()
 WHERE project_id = %(project_id)s AND id = ANY (%(ids)s::uuid[]) AND used_at IS NULL
RETURNING id

-- name: withdraw_approvals
-- Takes back what a person approved and nobody used yet.
UPDATE watchkeeper.approvals SET withdrawn_at = watchkeeper.now()
 WHERE project_id = %(project_id)s AND repair_id = %(repair_id)s::uuid AND actor_id = %(actor_id)s::uuid
   AND decision = 'approved' AND used_at IS NULL AND withdrawn_at IS NULL
RETURNING id

-- name: approvals_of
-- Everything that was said on a repair.
SELECT decision, actor, reason, plan_digest, created_at, expires_at, used_at, withdrawn_at
  FROM watchkeeper.approvals WHERE project_id = %(project_id)s AND repair_id = %(repair_id)s::uuid ORDER BY id

-- name: audit_approval
-- Tells of an approval that alone is not enough, or of one that was taken back.
INSERT INTO watchkeeper.audit_events (project_id, event, actor, reason, data)
VALUES (%(project_id)s, %(event)s, %(actor)s, %(reason)s,
        jsonb_build_object('repair_id', %(repair_id)s::text, 'plan_digest', %(plan_digest)s::text))

-- name: count_undecided_asked
-- How many repairs wait that people and workers asked for, and how many of one of them.
SELECT count(*) AS undecided, count(*) FILTER (WHERE asked_by_id = %(asker)s::uuid) AS of_asker FROM watchkeeper.repair_actions
 WHERE project_id = %(project_id)s AND state IN ('proposed', 'approved') AND asked_by_id IS NOT NULL

-- name: stands_behind
-- Whether somebody made the tokens of who asked, or they his, by however many others' hands; or whether one and the same made
-- those of both. Who began the installation makes the names of all people, and so is nobody's common person.
WITH RECURSIVE chain AS (
  SELECT g.side, g.id FROM unnest(%(sides)s::text[], %(ids)s::uuid[]) AS g (side, id)
  UNION
  SELECT c.side, t.minted_by FROM chain c
    JOIN watchkeeper.tokens t ON t.principal_id = c.id AND t.minted_by IS NOT NULL
)
SELECT EXISTS (SELECT FROM chain WHERE side = 'asker' AND id = %(approver)s::uuid)
       OR EXISTS (SELECT FROM chain WHERE side = 'approver' AND id = ANY (%(askers)s::uuid[]))
       OR EXISTS (SELECT FROM chain a JOIN chain b ON b.id = a.id AND a.side = 'asker' AND b.side = 'approver'
                   WHERE NOT EXISTS (SELECT FROM watchkeeper.tokens t WHERE t.principal_id = a.id AND t.role = 'owner'
                                        AND t.project_id IS NULL AND t.minted_by IS NULL)) AS is_behind

-- name: principal_named
-- The principal whom people mean by a name: the project's own before one of the whole installation.
SELECT id, name FROM watchkeeper.principals
 WHERE name = ANY (%(names)s::text[]) AND (project_id = %(project_id)s OR project_id IS NULL)
 ORDER BY project_id IS NULL LIMIT 1
