SELECT (SELECT count(*) FROM watchkeeper.audit_events)
     > coalesce((SELECT max(rows_before + row_count) FROM watchkeeper.audit_seals), 0)
