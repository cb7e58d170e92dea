-- How many audit rows no seal covers.
SELECT count(*) FROM watchkeeper.audit_events e
 WHERE (e.timeline, e.xid, e.seq) > (SELECT s.timeline, s.last_xid, s.last_seq FROM watchkeeper.audit_seals s
                                      ORDER BY s.number DESC LIMIT 1)
    OR NOT EXISTS (SELECT FROM watchkeeper.audit_seals)
