"""What a caller's own errors become inside a transaction."""

from __future__ import annotations

import pytest

from watchkeeper.storage.database import Database


async def test_a_timeout_of_the_caller_is_no_fault_of_the_database(database: Database) -> None:
    """Something else that takes too long inside a transaction is told as what it is."""
    for lend in (database.transaction, database.statement):
        with pytest.raises(TimeoutError, match="a file server"):
            async with lend():
                raise TimeoutError("a file server")
    await database.ping()
