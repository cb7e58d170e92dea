"""One act on many jobs.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypedDict, Unpack, cast

from watchkeeper.client.calling import Group, Operation
from watchkeeper.client.types.bulk import (
    BulkBeginAnswer,
    BulkBody,
    BulkListAnswer,
    BulkPreviewAnswer,
    BulkShowAnswer,
    BulkStopAnswer,
)
from watchkeeper.client.types.shared import ReasonBody


class BulkListSaid(TypedDict, total=False):
    limit: int
    project: str


class BulkBeginSaid(BulkBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool


class BulkPreviewSaid(TypedDict, total=False):
    what: Literal["cancel", "pause", "resume", "requeue"]
    state: Literal["pending", "running", "stuck", "paused", "failed", "cancelled"]
    made_before: datetime | str
    kind: str | None
    project: str


class BulkShowSaid(TypedDict, total=False):
    project: str


class BulkStopSaid(ReasonBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool


_LIST = Operation("GET", "/api/bulk-acts", ("limit",))

_BEGIN = Operation("POST", "/api/bulk-acts", (), takes_key=True)

_PREVIEW = Operation("GET", "/api/bulk-acts/preview", ("what", "state", "made_before", "kind"))

_SHOW = Operation("GET", "/api/bulk-acts/{act_id}")

_STOP = Operation("POST", "/api/bulk-acts/{act_id}/stop", (), takes_key=True)


class BulkGroup(Group):
    """One act on many jobs."""

    def list(self, **said: Unpack[BulkListSaid]) -> BulkListAnswer:
        """List the bulk acts of a project, the newest first, with how far each one is."""
        return cast("BulkListAnswer", self._connection.json(_LIST, {}, said))

    def begin(self, **said: Unpack[BulkBeginSaid]) -> BulkBeginAnswer:
        """Begin a bulk act."""
        return cast("BulkBeginAnswer", self._connection.json(_BEGIN, {}, said))

    def preview(self, **said: Unpack[BulkPreviewSaid]) -> BulkPreviewAnswer:
        """Count the jobs that a bulk act would move, among the first 10,000 in that state, with examples."""
        return cast("BulkPreviewAnswer", self._connection.json(_PREVIEW, {}, said))

    def show(self, act_id: str, **said: Unpack[BulkShowSaid]) -> BulkShowAnswer:
        """Give one bulk act with how far it is."""
        return cast("BulkShowAnswer", self._connection.json(_SHOW, {"act_id": act_id}, said))

    def stop(self, act_id: str, **said: Unpack[BulkStopSaid]) -> BulkStopAnswer:
        """Stop a bulk act after its present batch."""
        return cast("BulkStopAnswer", self._connection.json(_STOP, {"act_id": act_id}, said))
