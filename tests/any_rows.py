"""Rows for any table of the schema, made from the catalogue: what a test does not name is filled in by its type."""

from __future__ import annotations

import os
from typing import Any
from uuid import uuid4

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

TABLES = """
SELECT c.relname FROM pg_class c
 WHERE c.relnamespace = 'watchkeeper'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
   AND c.relname <> 'test_clock' ORDER BY 1
"""
NEEDED = """
SELECT a.attname, format_type(a.atttypid, NULL) FROM pg_attribute a
 WHERE a.attrelid = ('watchkeeper.' || %s)::regclass AND a.attnum > 0 AND NOT a.attisdropped
   AND a.attnotnull AND NOT a.atthasdef AND a.attidentity = ''
"""
MADE: dict[str, Any] = {
    "text": lambda: uuid4().hex[:8],
    "text[]": list,
    "uuid": uuid4,
    "bytea": lambda: os.urandom(32),
    "jsonb": lambda: Jsonb({}),
    "boolean": lambda: True,
    "xid8": lambda: "3",
    "bigint": lambda: int.from_bytes(os.urandom(4), "big"),
    "integer": lambda: 1,
    "smallint": lambda: 1,
}
CLOSED_LISTS: dict[str, dict[str, Any]] = {
    "held_jobs": {"state": "stuck"},
    "job_outcomes": {"state": "failed"},
    "mirrored_jobs": {"state": "pending"},
    "foreign_queues": {"ready": 0},
    "watchdog_queues": {"wait": "movable"},
    "closed_attempts": {"outcome": "failed"},
    "workers": {"profile": "runtime"},
    "worker_runs": {"status": "ok"},
    "artifact_checks": {"command": "verify"},
    "principals": {"kind": "person"},
    "tokens": {"role": "viewer"},
    "login_codes": {"role": "viewer"},
    "console_sessions": {"role": "viewer"},
    "watchdog_incidents": {"severity": "low"},
    "repair_actions": {"authority": "system"},
    "approvals": {"decision": "rejected"},
    "maintenance_windows": {"starts_at": "2026-01-01", "ends_at": "2026-01-02"},
    "alerts": {"severity": "low"},
    "bulk_acts": {"what": "cancel"},
    "host_assets": {
        "asset": "verifier_post_check",
        "fields": Jsonb(
            dict.fromkeys(("before_metrics", "after_metrics", "alert_state", "service_health"), "x")
        ),
    },
    "chat_doors": {"platform": "line"},
}
"""What a CHECK asks for beside the type."""


def tables(connection: psycopg.Connection) -> list[str]:
    return [row[0] for row in connection.execute(TABLES)]


def add_row(connection: psycopg.Connection, table: str, **given: Any) -> None:
    """Insert a row; a column that is neither given nor has a default is made up. Foreign keys are not looked at."""
    values = {**CLOSED_LISTS.get(table, {}), **given}
    for name, kind in connection.execute(NEEDED, (table,)).fetchall():
        if name not in values:
            values[name] = (
                connection.execute("SELECT watchkeeper.now()").fetchone()[0]
                if kind == "timestamp with time zone"
                else MADE[kind]()
            )
    connection.execute("SET session_replication_role = replica")
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        sql.Identifier("watchkeeper", table),
        sql.SQL(", ").join(map(sql.Identifier, values)),
        sql.SQL(", ").join(sql.Placeholder() * len(values)),
    )
    connection.execute(statement, list(values.values()))
    connection.execute("SET session_replication_role = origin")
