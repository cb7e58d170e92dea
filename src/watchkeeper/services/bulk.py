"""Acts on all jobs that match a filter: previewed, begun by a person, carried out by the watch, stopped at any time.

Each batch is one transaction: the jobs are moved by the operator's own act, one audit row each, and how far the act is
rides along. Whatever dies, the next process goes on behind the last whole batch, and no job is moved twice.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from watchkeeper.domain.bulk import BulkFilter
from watchkeeper.domain.errors import Conflict, JobNotFound, NotFound
from watchkeeper.services.duties import Duty, Ran
from watchkeeper.services.operations import Operations
from watchkeeper.storage.database import Database, Row, fetch_one, fetch_row

MOST_PREVIEWED = 10_000
BATCH = 100
"""Jobs of one transaction: a few hundred milliseconds in which nobody else can move them."""

WINDOW = 2000
"""Jobs that are looked at for one batch, matching or not."""

LOOK_SECONDS = 1.0


class BulkActs:
    """The bulk acts of one database."""

    def __init__(self, database: Database, operations: Operations, *, batch: int = BATCH) -> None:
        self._database = database
        self._operations = operations
        self._batch = batch

    async def preview(self, project_id: str, wanted: BulkFilter) -> Row:
        """Count what matches among the first 10,000 jobs in that state, with examples.

        `capped` says that there are more in that state, of which some may match.
        """
        return await self._database.fetch_row(
            "bulk_preview", {**_where(project_id, wanted), "most": MOST_PREVIEWED}
        )

    async def begin(self, project_id: str, wanted: BulkFilter, *, actor: str, reason: str) -> Row:
        """Begin; the watch carries it out. Jobs that are made from now on are none of its."""
        asked = {**_where(project_id, wanted), "what": wanted.what, "actor": actor, "reason": reason}
        return await self._database.fetch_row("begin_bulk_act", asked)

    async def stop(self, project_id: str, act: UUID, *, actor: str, reason: str) -> Row:
        """Stop after the present batch; raise NotFound, and Conflict where it has ended."""
        where = {"project_id": project_id, "id": act, "actor": actor, "reason": reason}
        async with self._database.transaction() as connection:
            if (row := await fetch_one(connection, "stop_bulk_act", where)) is not None:
                return row
        raise Conflict(f"it is {(await self.show(project_id, act))['state']} already")

    async def list(self, project_id: str, limit: int = 50) -> list[Row]:
        return await self._database.fetch("bulk_acts", {"project_id": project_id, "id": None, "limit": limit})

    async def show(self, project_id: str, act: UUID) -> Row:
        row = await self._database.fetch_one("bulk_acts", {"project_id": project_id, "id": act, "limit": 1})
        if row is None:
            raise NotFound("there is no such bulk act here")
        return row

    def duty(self) -> Duty:
        return Duty("bulk_acts", self.run_once, LOOK_SECONDS)

    async def run_once(self) -> Ran:
        """Carry out one batch of the act whose turn it is."""
        async with self._database.together(), self._database.transaction() as connection:
            act = await fetch_one(connection, "next_bulk_act")
            if act is None:
                return Ran({})
            found = await fetch_row(connection, "bulk_batch", {**act, "window": WINDOW, "batch": self._batch})
            moved = [await self._move(act, job) for job in found["jobs"]]
            done = sum(moved)
            told = {"looked_to": found["looked_to"], "done": done, "skipped": len(moved) - done}
            await fetch_row(connection, "note_bulk_batch", {**act, **told})
        return Ran({"moved": done, "skipped": len(moved) - done}, next_in=0)

    async def _move(self, act: Row, job: str) -> bool:
        """Move one job; say whether it was still to be moved."""
        said: dict[str, Any] = {"actor": act["actor"], "reason": f"{act['reason']} (bulk act {act['id']})"}
        try:
            if act["what"] == "requeue":
                await self._operations.requeue(act["project_id"], job, **said)
            else:
                await self._operations.move(act["project_id"], job, act["what"], **said)
        except (Conflict, JobNotFound):
            return False
        return True


def _where(project_id: str, wanted: BulkFilter) -> dict[str, Any]:
    made_before: datetime = wanted.made_before
    return {
        "project_id": project_id,
        "of_state": wanted.state.value,
        "of_kind": wanted.kind,
        "made_before": made_before,
    }
