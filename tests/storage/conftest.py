"""A queue that has a past."""

from __future__ import annotations

import pytest

from raw_sql import rows
from storage.deep_queue import FILL, FINISHED, LEASED, READY
from watchkeeper.storage.database import Database


@pytest.fixture(params=["analyzed", "never analyzed"])
async def deep(request: pytest.FixtureRequest, database: Database) -> Database:
    """A queue with a deep history; its tables as the planner sees them after and before the first autovacuum."""
    text = FILL.format(finished=FINISHED, ready=READY, total=FINISHED + READY + LEASED)
    async with database.transaction() as connection:
        for statement in text.split(";\n"):
            if statement.strip():
                await connection.execute(statement.encode())
    if request.param == "analyzed":
        await rows(database, "ANALYZE")
    return database
