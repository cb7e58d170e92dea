"""Types: Results that came too late.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class ReconcileBody(TypedDict):
    artifacts: NotRequired[list[Any] | None]
    summary: NotRequired[str | None]


class ReconcileDecideAnswer(TypedDict):
    item: ReconcileItem
    ok: bool


class ReconcileItem(TypedDict):
    body: NotRequired[ReconcileBody | None]
    command: NotRequired[str | None]
    created_at: NotRequired[str | None]
    decided_by: NotRequired[str | None]
    decision: NotRequired[str | None]
    epoch: NotRequired[int | None]
    id: NotRequired[str | None]
    job_id: NotRequired[str | None]
    reason: NotRequired[str | None]


class ReconcileListAnswer(TypedDict):
    items: list[ReconcileItem]
    ok: bool


class VerdictBody(TypedDict):
    """`accept`."""

    reason: str
    verdict: Literal["accept", "discard"]
