"""Which version of a thing stands: its tag changes whenever there is something else to decide about it.

Who decides on a thing may name the version that they saw; it is compared under a lock, in the transaction of the act.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from watchkeeper.domain.errors import PreconditionFailed
from watchkeeper.services.operations import as_uuid, find_job
from watchkeeper.storage.database import Connection, Database, fetch, fetch_one

ANY = "*"
VERSIONED = ("job", "incident", "repair", "lesson", "proposal")
"""The things that have versions; each has its queries in versions.sql."""


class Versions:
    """The versions of single things, as opaque words."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, project_id: str, what: str, name: str) -> str | None:
        """Give the version of a thing; None for one that is not there. Raises JobNotFound for a job."""
        async with self._database.transaction() as connection:
            place = await _place(connection, project_id, what, name)
            return None if place is None else await _version(connection, what, place)

    async def demand(self, project_id: str, what: str, name: str, wanted: Sequence[str]) -> None:
        """Raise PreconditionFailed unless a thing stands at one of these versions; it keeps it until the act ends.

        Call it within the transaction of the act. A thing that is not there is left to the act to tell.
        """
        async with self._database.transaction() as connection:
            if (place := await _place(connection, project_id, what, name)) is None:
                return
            await fetch(connection, f"lock_{what}_version", place)
            version = await _version(connection, what, place)
            if version is not None and ANY not in wanted and version not in wanted:
                raise PreconditionFailed(version=version)


async def _place(connection: Connection, project_id: str, what: str, name: str) -> dict[str, Any] | None:
    if what == "job":
        return {"project_id": project_id, "seq": (await find_job(connection, project_id, name))["seq"]}
    given = as_uuid(name)
    return None if given is None else {"project_id": project_id, "id": given}


async def _version(connection: Connection, what: str, place: dict[str, Any]) -> str | None:
    row = await fetch_one(connection, f"version_of_{what}", place)
    return None if row is None else str(row["version"])
