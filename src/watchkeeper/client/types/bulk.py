"""Types: One act on many jobs.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NotRequired, TypedDict


class BulkBeginAnswer(TypedDict):
    bulk_act: BulkBulkAct
    ok: bool


class BulkBody(TypedDict):
    """Which act on which jobs."""

    kind: NotRequired[str | None]
    made_before: datetime | str
    reason: str
    state: Literal["pending", "running", "stuck", "paused", "failed", "cancelled"]
    what: Literal["cancel", "pause", "resume", "requeue"]


class BulkBulkAct(TypedDict):
    done: NotRequired[int | None]
    id: NotRequired[str | None]
    made_before: NotRequired[str | None]
    of_kind: NotRequired[str | None]
    of_state: NotRequired[str | None]
    skipped: NotRequired[int | None]
    state: NotRequired[str | None]
    what: NotRequired[str | None]


class BulkExample(TypedDict):
    id: NotRequired[str | None]


class BulkListAnswer(TypedDict):
    bulk_acts: list[BulkBulkAct]
    ok: bool


class BulkPreviewAnswer(TypedDict):
    capped: bool
    examples: list[BulkExample]
    matching: int
    ok: bool


class BulkShowAnswer(TypedDict):
    bulk_act: BulkBulkAct
    ok: bool


class BulkStopAnswer(TypedDict):
    bulk_act: BulkBulkAct
    ok: bool
