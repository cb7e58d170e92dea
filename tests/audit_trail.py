"""An audit trail under test: written to, sealed, and attacked by who owns the database."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from raw_sql import rows
from watchkeeper.app.whole import App
from watchkeeper.services.audit_sealer import AuditSealer
from watchkeeper.storage.database import Database

WRITE = "INSERT INTO watchkeeper.audit_events (project_id, event, actor) VALUES ('p', 'test', 't')"
SEALS = "SELECT * FROM watchkeeper.audit_seals ORDER BY number"
UNSEALED = """
SELECT count(*) AS n FROM watchkeeper.audit_events
 WHERE (timeline, xid, seq) > (SELECT timeline, last_xid, last_seq FROM watchkeeper.audit_seals
                                UNION ALL SELECT 0, '0'::xid8, 0 ORDER BY 1 DESC, 2 DESC, 3 DESC LIMIT 1)
"""
FINAL = """
SELECT coalesce(max(xid) < pg_snapshot_xmin(pg_current_snapshot()), true) AS final FROM watchkeeper.audit_events
"""
TABLES = ("audit_events", "audit_seals", "audit_checkpoints")


async def write(database: Database, count: int = 1) -> None:
    """Write audit rows, a transaction each."""
    for _ in range(count):
        await rows(database, WRITE)


async def unsealed(database: Database) -> int:
    [counted] = await rows(database, UNSEALED)
    return int(counted["n"])


async def seals(database: Database) -> list[dict[str, Any]]:
    return await rows(database, SEALS)


async def until_final(database: Database) -> None:
    """Wait until no row can appear before one that is there: tests beside this one hold the cluster's horizon back."""
    async with asyncio.timeout(30):
        while not (await rows(database, FINAL))[0]["final"]:
            """Ask again: each question is a wait."""


async def seal_all(app: App, sealer: AuditSealer | None = None) -> None:
    """Seal until nothing waits, in as few seals as can be."""
    await until_final(app.database)
    while await unsealed(app.database):
        await (sealer or app.audit_sealer).run_once()


async def attack(database: Database, statement: str, arguments: Mapping[str, Any] | None = None) -> None:
    """Do what only the tables' owner can: change what the triggers guard, and leave them as they were."""
    async with database.transaction() as connection:
        for table in TABLES:
            await connection.execute(f"ALTER TABLE watchkeeper.{table} DISABLE TRIGGER USER".encode())
        await connection.execute(statement.encode(), arguments)
        for table in TABLES:
            await connection.execute(f"ALTER TABLE watchkeeper.{table} ENABLE TRIGGER USER".encode())
