"""A restored database stands still: what it shows, and how a person lets it move again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from watchkeeper.domain.errors import Conflict
from watchkeeper.storage.database import Database, Row, fetch, fetch_one, fetch_row


@dataclass(frozen=True, slots=True)
class Resumed:
    """What began to move: how many jobs are pending again, and which switches are on again."""

    jobs: int
    switches: list[str]

    def to_json(self) -> dict[str, Any]:
        return {"jobs_resumed": self.jobs, "switched_on": self.switches}


class Standstill:
    """Says whether the database waits for `db resume`, and resumes it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def look(self) -> Row | None:
        """Give the restore that nobody has resumed; None where the database moves."""
        return await self._database.fetch_one("standstill")

    async def holds(self) -> bool:
        return await self._database.fetch_one("standing_still") is not None

    async def resume(self, *, actor: str, reason: str, keep_paused: bool = False) -> Resumed:
        """Let everything move again; jobs that ran at the backup become pending, unless they are to stay paused.

        Raises Conflict where nothing stands still.
        """
        why = {"actor": actor, "reason": reason}
        async with self._database.transaction() as connection:
            moved = await fetch_one(connection, "move_again", {**why, "keep_paused": keep_paused})
            if moved is None:
                raise NothingStandsStill
            jobs = 0
            if not keep_paused:
                jobs = (await fetch_row(connection, "resume_restored_jobs", why))["resumed"]
            await fetch(connection, "wake_everybody")
        return Resumed(jobs, moved["switched"])


class NothingStandsStill(Conflict):
    """Nothing stands still: no restore waits to be resumed."""

    hint = "'watchkeeper db status' tells how the database fares."


def standing_still(restore: Row) -> str:
    """Say in a sentence what stands still and what ends it."""
    return (
        f"restored from the backup of {restore['taken_at']:%Y-%m-%d %H:%M:%S} UTC: nothing moves until "
        "'watchkeeper db resume'"
    )
