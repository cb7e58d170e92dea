"""Jobs by the clock.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypedDict, Unpack, cast

from watchkeeper.client.calling import Group, Operation
from watchkeeper.client.types.schedules import ScheduleBody, SchedulesListAnswer, SchedulesPutAnswer
from watchkeeper.client.types.shared import Answer


class SchedulesListSaid(TypedDict, total=False):
    limit: int
    cursor: str | None
    project: str


class SchedulesPutSaid(ScheduleBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool


class SchedulesDeleteSaid(TypedDict, total=False):
    reason: str | None
    project: str
    idempotency_key: str
    dry_run: bool


_LIST = Operation("GET", "/api/schedules", ("limit", "cursor"))

_PUT = Operation("POST", "/api/schedules", (), takes_key=True)

_DELETE = Operation("DELETE", "/api/schedules/{name}", ("reason",), takes_key=True)


class SchedulesGroup(Group):
    """Jobs by the clock."""

    def list(self, **said: Unpack[SchedulesListSaid]) -> SchedulesListAnswer:
        """List the schedules of a project by name."""
        return cast("SchedulesListAnswer", self._connection.json(_LIST, {}, said))

    def iterate(self, **said: Unpack[SchedulesListSaid]) -> Iterator[Any]:
        """Go through all of them, page by page."""
        return self._connection.pages(_LIST, {}, said, "schedules")

    def put(self, **said: Unpack[SchedulesPutSaid]) -> SchedulesPutAnswer:
        """Make a schedule or replace the one of its name."""
        return cast("SchedulesPutAnswer", self._connection.json(_PUT, {}, said))

    def delete(self, name: str, **said: Unpack[SchedulesDeleteSaid]) -> Answer:
        """Remove a schedule."""
        return cast("Answer", self._connection.json(_DELETE, {"name": name}, said))
