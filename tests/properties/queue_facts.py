"""What the database says of a project's jobs, in the few queries that the properties are checked with."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.rows import dict_row

JOBS = """
SELECT s.seq, s.unique_key, j.state, j.state_reason, j.epoch, j.agent_errors, j.lost_leases, d.run_at,
       r.seq IS NOT NULL AS ready, l.token_hash, l.worker_id, l.expires_at,
       num_nonnulls(r.seq, d.seq, l.seq, h.seq, o.seq) AS places,
       (SELECT count(*) FROM watchkeeper.ready_jobs x
         WHERE x.project_id = s.project_id AND x.seq = s.seq) AS ready_rows,
       coalesce(r.xmin, d.xmin, l.xmin, h.xmin, o.xmin)::text AS written_by
  FROM watchkeeper.job_specs s
  JOIN watchkeeper.jobs j ON j.project_id = s.project_id AND j.seq = s.seq
  LEFT JOIN watchkeeper.ready_jobs r ON r.project_id = s.project_id AND r.seq = s.seq
  LEFT JOIN watchkeeper.scheduled_jobs d ON d.project_id = s.project_id AND d.seq = s.seq
  LEFT JOIN watchkeeper.leases l ON l.project_id = s.project_id AND l.seq = s.seq
  LEFT JOIN watchkeeper.held_jobs h ON h.project_id = s.project_id AND h.seq = s.seq
  LEFT JOIN watchkeeper.job_outcomes o ON o.project_id = s.project_id AND o.seq = s.seq
 WHERE s.project_id = %(project_id)s
"""
STRAYS = """
SELECT 'ready' AS place, seq FROM watchkeeper.ready_jobs t WHERE project_id = %(project_id)s AND NOT EXISTS
       (SELECT FROM watchkeeper.job_specs s WHERE s.project_id = t.project_id AND s.seq = t.seq AND s.kind = t.kind)
UNION ALL
SELECT 'leases', seq FROM watchkeeper.leases t WHERE project_id = %(project_id)s AND NOT EXISTS
       (SELECT FROM watchkeeper.job_specs s WHERE s.project_id = t.project_id AND s.seq = t.seq AND s.kind = t.kind)
"""
AUDIT = """
SELECT seq, event, job_seq, epoch, old_state, new_state, data, (xid::xid)::text AS xid
  FROM watchkeeper.audit_events WHERE project_id = %(project_id)s AND seq > %(after)s ORDER BY seq
"""
KEYS = "SELECT kind, unique_key, seq FROM watchkeeper.unique_keys WHERE project_id = %(project_id)s"
ATTEMPTS = """
SELECT seq, array_agg(epoch ORDER BY epoch) AS epochs, count(*) FILTER (WHERE outcome = 'completed') AS completed
  FROM watchkeeper.job_attempts WHERE project_id = %(project_id)s GROUP BY seq
"""


class Facts:
    """Reads one project's rows over a connection of its own."""

    def __init__(self, url: str, project_id: str) -> None:
        self.connection = psycopg.connect(url, autocommit=True, row_factory=dict_row)
        self._project_id = project_id

    def close(self) -> None:
        self.connection.close()

    def ask(self, statement: str, **arguments: Any) -> list[dict[str, Any]]:
        cursor = self.connection.execute(statement.encode(), {"project_id": self._project_id, **arguments})
        return cursor.fetchall()

    def ask_all(self, *statements: str, **arguments: Any) -> list[list[dict[str, Any]]]:
        """Ask for several things in one round trip."""
        given = {"project_id": self._project_id, **arguments}
        with self.connection.pipeline():
            cursors = [self.connection.execute(statement.encode(), given) for statement in statements]
        return [cursor.fetchall() for cursor in cursors]

    def now(self) -> Any:
        return self.ask("SELECT watchkeeper.now() AS now")[0]["now"]
