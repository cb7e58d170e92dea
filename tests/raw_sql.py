"""Statements of a test's own, for what no named query does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from watchkeeper.storage.database import Database


async def rows(
    database: Database, statement: str, arguments: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """Run one statement in a transaction of its own and give its rows, if it has any."""
    async with database.transaction() as connection:
        cursor = await connection.execute(statement.encode(), arguments)
        return await cursor.fetchall() if cursor.description else []
