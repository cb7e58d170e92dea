"""What is known of hosts: their last scans, the incidents that alerts opened, and what of alerts came to nothing."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from watchkeeper.storage.database import Database, Row

STALE_SECONDS = 360.0
"""Three scans: what is older says nothing of now, as the alert HostRunawayMonitorStale has it."""

READING_DAYS = 7
MOST_HOSTS = 200
MOST_LEFT = 20


class HostReading:
    """Reads for one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def incidents(
        self,
        project_id: str,
        *,
        host: str | None = None,
        unresolved: bool = False,
        before: UUID | None = None,
        limit: int = 100,
    ) -> tuple[list[Row], UUID | None]:
        """List host incidents, the newest first."""
        only = {"host": host, "unresolved": unresolved, "before": before, "limit": limit + 1}
        rows = await self._database.fetch("list_host_incidents", {"project_id": project_id, **only})
        return rows[:limit], rows[limit - 1]["id"] if len(rows) > limit else None

    async def readings(self, project_id: str) -> list[dict[str, Any]]:
        """Give the last reading of each host; `is_stale` where it says nothing of now."""
        asked = {"project_id": project_id, "days": READING_DAYS, "limit": MOST_HOSTS}
        rows = await self._database.fetch("host_readings", asked)
        return [{**row, "is_stale": row["age_seconds"] > STALE_SECONDS} for row in rows]

    async def left(self, project_id: str) -> list[Row]:
        """Give what of the last days' deliveries could be no incident, and what Alertmanager cut off."""
        asked = {"project_id": project_id, "days": READING_DAYS, "limit": MOST_LEFT}
        return await self._database.fetch("host_alerts_left", asked)
