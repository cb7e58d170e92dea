-- Policies: what was loaded, by whom, and what is in force where.

-- name: keep_policy
-- Writes down a policy that was loaded for the first time anywhere.
INSERT INTO watchkeeper.policies (digest, version, document, first_loaded_by)
VALUES (%(digest)s, %(version)s, %(document)s::text::jsonb, %(actor)s)
ON CONFLICT (digest) DO NOTHING

-- name: known_policy
-- A row where a policy was ever in force here.
SELECT digest FROM watchkeeper.policies WHERE digest = %(digest)s

-- name: take_policy
-- Says that a process goes by a policy from now on; writes to the audit trail where it went by another before.
WITH before AS (
  SELECT digest FROM watchkeeper.policy_holders
   WHERE machine = %(machine)s AND process = %(process)s AND source = %(source)s
), put AS (
  INSERT INTO watchkeeper.policy_holders AS h (machine, process, source, digest)
  VALUES (%(machine)s, %(process)s, %(source)s, %(digest)s)
  ON CONFLICT (machine, process, source) DO UPDATE
     SET digest = excluded.digest, loaded_at = excluded.loaded_at, seen_at = excluded.seen_at, trouble = NULL,
         trouble_since = NULL
  RETURNING h.digest
), audited AS (
  INSERT INTO watchkeeper.audit_events (project_id, event, actor, data)
  SELECT 'system', 'policy_changed', %(actor)s,
         jsonb_build_object('version', %(version)s::text, 'digest', put.digest, 'before', before.digest,
                            'machine', %(machine)s::text, 'process', %(process)s::text, 'source', %(source)s::text)
    FROM put LEFT JOIN before ON true
   WHERE put.digest IS DISTINCT FROM coalesce(before.digest, 'default')
)
SELECT digest FROM put

-- name: see_policy
-- Says that a process still goes by the policy that it took, and what is wrong with the document that it did not take.
UPDATE watchkeeper.policy_holders
   SET seen_at = watchkeeper.now(), trouble = %(trouble)s::text,
       trouble_since = CASE WHEN %(trouble)s::text IS NULL THEN NULL ELSE coalesce(trouble_since, watchkeeper.now()) END
 WHERE machine = %(machine)s AND process = %(process)s AND source = %(source)s

-- name: policy_holders
-- Who goes by which policy, of those heard of lately, with how many different ones there are.
SELECT h.machine, h.process, h.source, h.digest, p.version, h.loaded_at, h.seen_at, h.trouble, h.trouble_since,
       (SELECT count(DISTINCT o.digest) FROM watchkeeper.policy_holders o
         WHERE o.seen_at > (SELECT watchkeeper.now()) - %(lately_seconds)s * interval '1 second') AS digests
  FROM watchkeeper.policy_holders h JOIN watchkeeper.policies p USING (digest)
 WHERE h.seen_at > (SELECT watchkeeper.now()) - %(lately_seconds)s * interval '1 second'
 ORDER BY h.machine, h.process, h.source

-- name: forget_policy_holders
-- Deletes what was said of processes that are long gone; the policies stay.
WITH gone AS (
  DELETE FROM watchkeeper.policy_holders WHERE ctid = ANY (ARRAY(
    SELECT h.ctid FROM watchkeeper.policy_holders h
     WHERE h.seen_at < (SELECT watchkeeper.now()) - %(days)s::float8 * interval '1 day'
     LIMIT %(limit)s FOR UPDATE SKIP LOCKED)) RETURNING 1
)
SELECT count(*) AS gone FROM gone
