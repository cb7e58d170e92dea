"""What a caller's own errors become inside a transaction."""

from __future__ import annotations

import pytest

from watchkeeper.domain.errors import UsageError
from watchkeeper.storage.database import Database


async def test_a_timeout_of_the_caller_is_no_fault_of_the_database(database: Database) -> None:
    """Something else that takes too long inside a transaction is told as what it is."""
    for lend in (database.transaction, database.statement):
        with pytest.raises(TimeoutError, match="a file server"):
            async with lend():
                raise TimeoutError("a file server")
    await database.ping()


async def test_text_of_the_caller_that_is_no_unicode_is_told_as_what_it_is(database: Database) -> None:
    """Only text that is sent to the database is refused as such; an encoding error of the caller's own stays one."""
    for lend in (database.transaction, database.statement):
        with pytest.raises(UnicodeEncodeError, match="surrogates"):
            async with lend():
                "half \ud800 of a pair".encode()
    with pytest.raises(UsageError, match="not valid Unicode"):
        await database.fetch("job_seq_by_external_id", {"project_id": "p", "external_id": "\ud800"})
