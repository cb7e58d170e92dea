-- name: shared_causes
-- Root causes of which several projects had incidents again and again: rule and cause with the projects, each counted with
-- those that it is read together with. Only what came after the last decision on the same question counts.
WITH seen AS (
  SELECT i.rule, i.cause, coalesce(p.merged_into, p.project_id) AS project_id, sum(i.occurrences) AS occurrences,
         count(*) AS incidents, (array_agg(i.id ORDER BY i.id DESC))[1:3] AS newest
    FROM watchkeeper.watchdog_incidents i
    JOIN watchkeeper.projects p ON p.project_id = i.project_id
   WHERE i.opened_at > greatest((SELECT watchkeeper.now()) - make_interval(days => %(days)s),
           (SELECT max(d.decided_at) FROM watchkeeper.proposals d
             WHERE d.project_id = 'system' AND d.kind = 'merge_projects' AND d.subject ->> 'rule' = i.rule
               AND d.subject ->> 'cause' = i.cause))
     AND i.cause IS NOT NULL AND i.cause_id IS NULL AND i.project_id <> 'system' AND NOT p.force_shadow
   GROUP BY 1, 2, 3
  HAVING count(*) >= %(incidents)s
)
SELECT rule, cause, array_agg(project_id ORDER BY project_id) AS projects,
       jsonb_object_agg(project_id, jsonb_build_object('incidents', incidents, 'occurrences', occurrences,
                                                       'newest', to_jsonb(newest))) AS evidence
  FROM seen s
 WHERE NOT EXISTS (SELECT FROM watchkeeper.proposals d
                    WHERE d.project_id = 'system' AND d.kind = 'merge_projects' AND d.decided_at IS NULL
                      AND d.subject ->> 'rule' = s.rule AND d.subject ->> 'cause' = s.cause)
 GROUP BY rule, cause HAVING count(*) >= %(projects)s
 ORDER BY rule, cause LIMIT %(limit)s

-- name: lock_projects
-- Projects and those that are read together with them, in one order, so that two merges never wait for each other.
SELECT project_id, merged_into FROM watchkeeper.projects
 WHERE project_id = ANY (%(projects)s::text[]) OR merged_into = ANY (%(projects)s::text[])
 ORDER BY project_id FOR UPDATE

-- name: point_projects
-- Lets projects point to others, or to none.
UPDATE watchkeeper.projects p SET merged_into = n.merged_into
  FROM unnest(%(projects)s::text[], %(targets)s::text[]) AS n (project_id, merged_into)
 WHERE p.project_id = n.project_id

-- name: project_group
-- The projects that are read together with one, that one first.
SELECT g.project_id FROM watchkeeper.projects p
  JOIN watchkeeper.projects g
    ON coalesce(g.merged_into, g.project_id) = coalesce(p.merged_into, p.project_id)
 WHERE p.project_id = %(project_id)s
 ORDER BY g.project_id <> %(project_id)s, g.project_id
