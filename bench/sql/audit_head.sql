SELECT number, hash, rows_before + row_count AS rows FROM watchkeeper.audit_seals ORDER BY number DESC LIMIT 1
