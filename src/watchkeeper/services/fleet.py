"""What people do to workers: drain them, let them claim again."""

from __future__ import annotations

from watchkeeper.domain.errors import NotFound
from watchkeeper.storage.database import Database


class Fleet:
    """The workers of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def drain(self, project_id: str, worker_id: str, *, actor: str, reason: str) -> None:
        """Let a worker finish what it holds and claim no more; raise NotFound for an unknown one."""
        arguments = {"project_id": project_id, "worker_id": worker_id, "actor": actor, "reason": reason}
        if not await self._database.fetch("set_worker_drained", {**arguments, "draining": True}):
            raise _unknown(worker_id)

    async def resume(self, project_id: str, worker_id: str, *, actor: str, reason: str) -> None:
        """Let a draining or stopped worker claim again; raise NotFound for an unknown one."""
        arguments = {"project_id": project_id, "worker_id": worker_id, "actor": actor, "reason": reason}
        if not await self._database.fetch("resume_worker", arguments):
            raise _unknown(worker_id)

    async def leave(self, project_id: str, worker_id: str) -> None:
        """Write down that a worker has ended, for who saw it end: else its silence tells that after minutes."""
        await self._database.fetch("worker_left", {"project_id": project_id, "worker_id": worker_id})


def _unknown(worker_id: str) -> NotFound:
    return NotFound(f"there is no worker {worker_id[:100]!r} in this project")
