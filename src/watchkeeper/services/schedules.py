"""Schedules: a cron expression that enqueues a job of a kind, again and again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from cronsim import CronSimError

from watchkeeper.domain.errors import NotFound, UsageError
from watchkeeper.domain.kinds import checked_kind_name
from watchkeeper.domain.suggestions import shown
from watchkeeper.services.enqueueing import json_text
from watchkeeper.services.maintenance import next_time
from watchkeeper.storage.database import Database, Row

MAX_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule as it is asked for; `time_zone` is a name of the IANA database."""

    name: str
    cron: str
    kind: str
    payload: Any = None
    time_zone: str = "UTC"


class Schedules:
    """The schedules of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, project_id: str, schedule: Schedule, *, actor: str, reason: str | None = None) -> Row:
        """Make a schedule or replace the one of its name; give it with its next time.

        Raises UsageError for an expression, time zone or kind that is none.
        """
        checked_kind_name(schedule.kind)
        (clock,) = await self._database.fetch("clock")
        next_at = _next(schedule, clock["now"])
        arguments = {name: getattr(schedule, name) for name in schedule.__dataclass_fields__}
        arguments |= {
            "project_id": project_id,
            "payload": json_text(schedule.payload, "payload"),
            "next_at": next_at,
            "actor": actor,
            "reason": reason,
        }
        await self._database.fetch("put_schedule", arguments)
        return {
            "name": schedule.name,
            "cron": schedule.cron,
            "time_zone": schedule.time_zone,
            "kind": schedule.kind,
            "next_at": next_at,
        }

    async def list(
        self, project_id: str, after: str | None = None, limit: int = MAX_PAGE
    ) -> tuple[list[Row], str | None]:
        """Give a page of schedules by name, and the cursor of the next page (None at the end).

        A stopped one has no next time, but `problem`: it goes on when it is put anew.
        """
        arguments = {"project_id": project_id, "after": after, "limit": limit + 1}
        rows = await self._database.fetch("list_schedules", arguments)
        return [_shown(row) for row in rows[:limit]], rows[limit - 1]["name"] if len(rows) > limit else None

    async def delete(self, project_id: str, name: str, *, actor: str, reason: str | None = None) -> None:
        """Remove a schedule; raise NotFound where there is none of that name."""
        arguments = {"project_id": project_id, "name": name, "actor": actor, "reason": reason}
        if not await self._database.fetch("delete_schedule", arguments):
            raise NotFound(f"there is no schedule {name[:100]!r} in this project")


def _shown(row: Row) -> Row:
    now = row.pop("now")
    problem = None
    if row["next_at"] is None:
        problem = "it was stopped; put it anew"
        try:
            _next(Schedule(row["name"], row["cron"], row["kind"], time_zone=row["time_zone"]), now)
        except UsageError as error:
            problem = error.message
    return {**row, "problem": problem}


def _next(schedule: Schedule, now: Any) -> Any:
    try:
        ZoneInfo(schedule.time_zone)
    except (ValueError, OSError, LookupError):
        raise UsageError(
            f"there is no time zone {shown(schedule.time_zone)}",
            hint="Use a name of the IANA database, such as 'UTC' or 'Asia/Taipei'.",
        ) from None
    try:
        return next_time(schedule.cron, schedule.time_zone, now)
    except CronSimError as error:
        raise UsageError(
            f"{shown(schedule.cron)} is not a cron expression: {error}",
            hint="Five fields: minute, hour, day of month, month, day of week; for example '*/10 * * * *'.",
        ) from None
    except StopIteration:
        raise UsageError(f"{shown(schedule.cron)} names no time in the next 50 years") from None
