"""Types: Enqueue, look at, move.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NotRequired, TypedDict


class Job(TypedDict):
    created_at: NotRequired[str | None]
    existing: NotRequired[bool | None]
    id: NotRequired[str | None]
    kind: NotRequired[str | None]
    state: NotRequired[str | None]


class JobActBody(TypedDict):
    """`force` ends a running job without asking its holder first."""

    force: NotRequired[bool]
    reason: str


class JobBody(TypedDict):
    contract: NotRequired[dict[str, Any] | None]
    deliverable_id: NotRequired[str | None]
    external_id: NotRequired[str | None]
    kind: str
    payload: NotRequired[Any]
    priority: NotRequired[int | None]
    reason: NotRequired[str | None]
    run_at: NotRequired[datetime | str | None]
    unique_key: NotRequired[str | None]


class JobsCancelAnswer(TypedDict):
    cancel_requested: bool
    job: Job
    ok: bool


class JobsEnqueueAnswer(TypedDict):
    job: NotRequired[Job | None]
    ok: bool


class JobsFailAnswer(TypedDict):
    cancel_requested: bool
    job: Job
    ok: bool


class JobsListAnswer(TypedDict):
    jobs: list[Job]
    next_cursor: Any
    ok: bool


class JobsMark(TypedDict):
    at: NotRequired[str | None]
    epoch: NotRequired[int | None]
    event: NotRequired[str | None]
    row: NotRequired[str | None]
    tone: NotRequired[str | None]
    until: NotRequired[Any]


class JobsMarksAnswer(TypedDict):
    begin: str
    blind: list[Any]
    end: str
    every: int
    marks: list[JobsMark]
    ok: bool


class JobsPauseAnswer(TypedDict):
    cancel_requested: bool
    job: Job
    ok: bool


class JobsRequeueAnswer(TypedDict):
    job: Job
    ok: bool


class JobsResumeAnswer(TypedDict):
    cancel_requested: bool
    job: Job
    ok: bool


class JobsShowAnswer(TypedDict):
    job: Job
    ok: bool


class JobsTimelineAnswer(TypedDict):
    ok: bool
    timeline: list[Any]
