"""Types: Jobs by the clock.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict


class Schedule(TypedDict):
    cron: NotRequired[str | None]
    kind: NotRequired[str | None]
    name: NotRequired[str | None]
    next_at: NotRequired[str | None]


class ScheduleBody(TypedDict):
    cron: str
    kind: str
    name: str
    payload: NotRequired[Any]
    reason: NotRequired[str | None]
    time_zone: NotRequired[str]


class SchedulesListAnswer(TypedDict):
    next_cursor: Any
    ok: bool
    schedules: list[Any]


class SchedulesPutAnswer(TypedDict):
    ok: bool
    schedule: Schedule
