"""Types: Who claims, what they hold, and the switches.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict


class SwitchBody(TypedDict):
    on: bool
    reason: str


class Worker(TypedDict):
    health: NotRequired[str | None]
    worker_id: NotRequired[str | None]


class WorkersLease(TypedDict):
    job_id: NotRequired[str | None]
    kind: NotRequired[str | None]


class WorkersLeasesAnswer(TypedDict):
    leases: list[WorkersLease]
    ok: bool


class WorkersListAnswer(TypedDict):
    ok: bool
    workers: list[Worker]
