"""Maintenance windows of hosts.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from typing import TypedDict, Unpack, cast

from watchkeeper.client.calling import Group, Operation
from watchkeeper.client.types.shared import ReasonBody
from watchkeeper.client.types.windows import (
    WindowBody,
    WindowsCloseAnswer,
    WindowsListAnswer,
    WindowsOpenAnswer,
)


class WindowsListSaid(TypedDict, total=False):
    limit: int
    project: str


class WindowsOpenSaid(WindowBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool


class WindowsCloseSaid(ReasonBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool


_LIST = Operation("GET", "/api/maintenance-windows", ("limit",))

_OPEN = Operation("POST", "/api/maintenance-windows", (), takes_key=True)

_CLOSE = Operation("POST", "/api/maintenance-windows/{window_id}/close", (), takes_key=True)


class WindowsGroup(Group):
    """Maintenance windows of hosts."""

    def list(self, **said: Unpack[WindowsListSaid]) -> WindowsListAnswer:
        """List the maintenance windows of a project, the newest first."""
        return cast("WindowsListAnswer", self._connection.json(_LIST, {}, said))

    def open(self, **said: Unpack[WindowsOpenSaid]) -> WindowsOpenAnswer:
        """Open a maintenance window."""
        return cast("WindowsOpenAnswer", self._connection.json(_OPEN, {}, said))

    def close(self, window_id: str, **said: Unpack[WindowsCloseSaid]) -> WindowsCloseAnswer:
        """Close a maintenance window before its end."""
        return cast("WindowsCloseAnswer", self._connection.json(_CLOSE, {"window_id": window_id}, said))
