"""Who did what, sealed in a chain.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypedDict, Unpack, cast

from watchkeeper.client.calling import Group, Operation
from watchkeeper.client.types.audit import AuditEvent, AuditListAnswer, AuditRowAnswer, AuditStateAnswer


class AuditListSaid(TypedDict, total=False):
    event: str | None
    actor: str | None
    job: str | None
    limit: int
    cursor: str | None
    format: Literal["json", "csv"]
    project: str


class AuditRowSaid(TypedDict, total=False):
    project: str


class AuditStateSaid(TypedDict, total=False):
    project: str


_LIST = Operation("GET", "/api/audit", ("event", "actor", "job", "limit", "cursor", "format"))

_ROW = Operation("GET", "/api/audit/rows/{row}")

_STATE = Operation("GET", "/api/audit/state")


class AuditGroup(Group):
    """Who did what, sealed in a chain."""

    def list(self, **said: Unpack[AuditListSaid]) -> AuditListAnswer:
        """List a project's audit rows, the newest first."""
        return cast("AuditListAnswer", self._connection.json(_LIST, {}, said))

    def iterate(self, **said: Unpack[AuditListSaid]) -> Iterator[AuditEvent]:
        """Go through all of them, page by page."""
        return self._connection.pages(_LIST, {}, said, "events")

    def row(self, row: str, **said: Unpack[AuditRowSaid]) -> AuditRowAnswer:
        """Give the row that a list names `row`, with whether a seal covers it."""
        return cast("AuditRowAnswer", self._connection.json(_ROW, {"row": row}, said))

    def state(self, **said: Unpack[AuditStateSaid]) -> AuditStateAnswer:
        """Say how far the chain is behind."""
        return cast("AuditStateAnswer", self._connection.json(_STATE, {}, said))
