"""Reads every stored file again and says which artifacts are gone or changed: notes it, and changes no file."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from watchkeeper.services.artifact_store import ArtifactStore, ArtifactSweep
from watchkeeper.storage.database import Database, Row

PAGE = 500
TELL_FILES = 10_000
NAMED_LOST = 1000
"""So many lost artifacts are listed; the count is of all."""

Say = Callable[[str], None]


@dataclass(slots=True)
class Verified:
    """What a verification found. `found_again` were lost before; `unnamed` files belong to no artifact."""

    files: int = 0
    lost: int = 0
    found_again: int = 0
    unnamed: int = 0
    lost_artifacts: list[Row] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.lost

    def to_json(self) -> dict[str, Any]:
        return {
            "files": self.files,
            "lost": self.lost,
            "found_again": self.found_again,
            "unnamed": self.unnamed,
            "lost_artifacts": self.lost_artifacts,
        }


class ArtifactVerification:
    """Compares the store with what the database says is in it."""

    def __init__(self, database: Database, store: ArtifactStore, sweep: ArtifactSweep) -> None:
        self._database = database
        self._store = store
        self._sweep = sweep

    async def run(self, actor: str, say: Say) -> Verified:
        """Hash every file that an artifact names; a loss is told to the audit trail once, until the file is back."""
        verified = Verified()
        project = sha256 = ""
        while page := await self._database.fetch(
            "stored_files", {"after_project": project, "after_sha256": sha256, "limit": PAGE}
        ):
            for row in page:
                project, sha256 = row["project_id"], row["sha256"]
                await self._verify(row, actor, verified)
                if verified.files % TELL_FILES == 0:
                    say(f"verified {verified.files:,} files")
        verified.unnamed = await self._unnamed()
        return verified

    async def _verify(self, file: Row, actor: str, verified: Verified) -> None:
        place = {"project_id": file["project_id"], "sha256": file["sha256"], "actor": actor}
        verified.files += 1
        if await asyncio.to_thread(self._store.verify, file["project_id"], file["sha256"]):
            if file["was_lost"]:
                verified.found_again += len(await self._database.fetch("mark_artifacts_found", place))
            return
        gone = await asyncio.to_thread(self._store.size, file["project_id"], file["sha256"]) is None
        how = "gone" if gone else "changed"
        rows = await self._database.fetch(
            "mark_artifacts_lost", {**place, "reason": f"the stored file is {how}"}
        )
        verified.lost += len(rows)
        room = NAMED_LOST - len(verified.lost_artifacts)
        verified.lost_artifacts += [{**row, "how": how} for row in rows[: max(0, room)]]

    async def _unnamed(self) -> int:
        count = 0
        for project in await asyncio.to_thread(self._sweep.projects):
            shards = self._sweep.shards(project)
            while (shard := await asyncio.to_thread(next, shards, None)) is not None:
                named = await self._database.fetch(
                    "referenced_hashes", {"project_id": project, "hashes": list(shard.hashes)}
                )
                count += len(shard.hashes) - len(named)
        return count
