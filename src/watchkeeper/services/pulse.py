"""Whether a project's work advances, its golden signals, and what people did lately."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from watchkeeper.domain.pulse import AtWork, Ended, pace
from watchkeeper.services.insights import Insights
from watchkeeper.storage.database import Database, Row

HOURS = 24
MOST_ACTS = 50


class Pulse:
    """Reads of one database; what they cost does not grow with its jobs."""

    def __init__(self, database: Database, insights: Insights) -> None:
        self._database = database
        self._insights = insights

    async def pulse(self, project_id: str, health: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Say whether work advances, with the golden signals; `health` is the queue health, if it was read already."""
        where = {"project_id": project_id}
        queues = (health or await self._insights.queue_health(project_id))["queues"]
        row = await self._database.fetch_row("ended_lately", where)
        work = await self._database.fetch_row("at_work", where)
        waits = await self._database.fetch_row("first_waits", where)
        hour, day = _ended(row, "hour"), _ended(row, "day")
        counted_to, now = row["counted_to"], row["now"]
        age = None if counted_to is None else (now - counted_to).total_seconds()
        waiting = sum(queue["ready"] for queue in queues)
        ages = [queue["oldest_ready_age_s"] for queue in queues if queue["oldest_ready_age_s"] is not None]
        return {
            "generated_at": now,
            "counted_to": counted_to,
            "pace": pace(hour, day, AtWork(waiting, work["running"], work["progressed"]), age),
            "hour": _told(hour),
            "day": _told(day),
            "signals": {
                "oldest_wait_s": max(ages, default=None),
                "wait_p95_s": waits["p95"],
                "waits": waits["n"],
                "waiting": waiting,
                "running": work["running"],
                "slots": work["slots"],
                "failed_share": hour.failed_share,
            },
        }

    async def hours(self, project_id: str) -> dict[str, list[dict[str, int]]]:
        """Give of each kind how many jobs ended well, and how many failed, in each of the last 24 hours."""
        kinds: dict[str, list[dict[str, int]]] = {}
        for row in await self._database.fetch("ended_by_hour", {"project_id": project_id}):
            hours = kinds.setdefault(row["kind"], [{"well": 0, "failed": 0} for _ in range(HOURS)])
            # What ends while it is read is of the newest hour; what is older than the oldest belongs to it.
            hour = hours[min(max(row["hour"], 0), HOURS - 1)]
            hour["well"] += row["well"]
            hour["failed"] += row["failed"]
        return kinds

    async def acts(self, project_id: str, limit: int = MOST_ACTS) -> list[Row]:
        """Give what people did within the last hour, the newest first."""
        return await self._database.fetch("acts_of_people", {"project_id": project_id, "limit": limit})


def _ended(row: Row, span: str) -> Ended:
    return Ended(row[f"{span}_verified"], row[f"{span}_unverified"], row[f"{span}_failed"])


def _told(ended: Ended) -> dict[str, int]:
    return {"verified": ended.verified, "unverified": ended.unverified, "failed": ended.failed}
