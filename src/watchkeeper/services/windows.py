"""Maintenance windows: grants to act on a host for a while. A window silences nothing."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from watchkeeper.domain.errors import Conflict, NotFound, UsageError
from watchkeeper.storage.database import Database, Row

MOST_HOURS = 72.0
"""Longer is no window but a policy, and is said in the configuration."""


class Windows:
    """The maintenance windows of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(
        self,
        project_id: str,
        *,
        hours: float,
        host_id: str | None,
        starts_at: datetime | None,
        actor: str,
        reason: str,
    ) -> Row:
        """Open a window from a time on, or at once; raise UsageError for a length that is none.

        Without a host it is for every host of the project.
        """
        if not 0 < hours <= MOST_HOURS:
            raise UsageError(f"a window is open for up to {MOST_HOURS:.0f} hours")
        asked = {
            "project_id": project_id,
            "host_id": host_id,
            "starts_at": starts_at,
            "seconds": hours * 3600,
            "actor": actor,
            "reason": reason,
        }
        return await self._database.fetch_row("open_window", asked)

    async def close(self, project_id: str, window: UUID, *, actor: str, reason: str) -> Row:
        """Close a window before its end; raise NotFound, and Conflict where it is over or closed."""
        asked = {"project_id": project_id, "id": window, "actor": actor, "reason": reason}
        row = await self._database.fetch_one("close_window", asked)
        if row is None:
            state = (await self.show(project_id, window))["state"]
            raise Conflict(f"the window is {state} already")
        return row

    async def show(self, project_id: str, window: UUID) -> Row:
        where = {"project_id": project_id, "id": window, "limit": 1}
        row = await self._database.fetch_one("maintenance_windows", where)
        if row is None:
            raise NotFound("there is no such maintenance window here")
        return row

    async def list(self, project_id: str, limit: int = 50) -> list[Row]:
        where = {"project_id": project_id, "id": None, "limit": limit}
        return await self._database.fetch("maintenance_windows", where)
