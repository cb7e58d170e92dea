"""The duty that frees the artifact store of files that no artifact names any more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from watchkeeper.services.artifact_store import ArtifactSweep
from watchkeeper.services.duties import Duty, Ran
from watchkeeper.storage.database import Database

INTERVAL_SECONDS = 3600.0


class ArtifactUpkeep:
    """Goes through the store; what has no name for its hours is removed."""

    def __init__(
        self, database: Database, sweep: ArtifactSweep, grace_hours: Callable[[], float] = lambda: 24.0
    ) -> None:
        self._database = database
        self._sweep = sweep
        self._grace_hours = grace_hours

    def duty(self) -> Duty:
        return Duty("artifact_sweep", self.run_once, INTERVAL_SECONDS)

    async def run_once(self) -> Ran:
        """Mark files without a name, remove those marked long enough ago, and clear torn uploads."""
        marked = removed = 0
        grace = timedelta(hours=self._grace_hours())
        torn = await asyncio.to_thread(self._sweep.sweep_incoming)
        for project in await asyncio.to_thread(self._sweep.projects):
            shards = self._sweep.shards(project)
            while (shard := await asyncio.to_thread(next, shards, None)) is not None:
                rows = await self._database.fetch(
                    "referenced_hashes", {"project_id": project, "hashes": list(shard.hashes)}
                )
                named = {row["sha256"] for row in rows}
                # Marks carry the time of the machine that sweeps.
                now = datetime.now(UTC)
                settled = await asyncio.to_thread(self._sweep.settle, project, shard, named, now, grace)
                marked += settled.marked
                removed += settled.removed
        return Ran({"files_marked": marked, "files_removed": removed, "uploads_cleared": torn})
