-- Makes symptoms of a third of the unresolved incidents: one cause has many.
WITH numbered AS (
  SELECT id, row_number() OVER (ORDER BY id) AS n FROM watchkeeper.watchdog_incidents
   WHERE project_id = 'watched' AND state <> 'resolved'
)
UPDATE watchkeeper.watchdog_incidents i SET cause_id = (SELECT id FROM numbered c WHERE c.n = 1 + s.n % 3)
  FROM numbered s WHERE s.id = i.id AND i.project_id = 'watched' AND s.n > 3 AND s.n % 3 = 0
