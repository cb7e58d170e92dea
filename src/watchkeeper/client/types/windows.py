"""Types: Maintenance windows of hosts.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from datetime import datetime
from typing import NotRequired, TypedDict


class WindowBody(TypedDict):
    """`host_id` left out is for every host."""

    host_id: NotRequired[str | None]
    hours: float
    reason: str
    starts_at: NotRequired[datetime | str | None]


class WindowsCloseAnswer(TypedDict):
    maintenance_window: WindowsMaintenanceWindow
    ok: bool


class WindowsListAnswer(TypedDict):
    maintenance_windows: list[WindowsMaintenanceWindow]
    ok: bool


class WindowsMaintenanceWindow(TypedDict):
    ends_at: NotRequired[str | None]
    host_id: NotRequired[str | None]
    id: NotRequired[str | None]
    starts_at: NotRequired[str | None]
    state: NotRequired[str | None]


class WindowsOpenAnswer(TypedDict):
    maintenance_window: WindowsMaintenanceWindow
    ok: bool
