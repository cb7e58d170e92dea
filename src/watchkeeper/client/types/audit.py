"""Types: Who did what, sealed in a chain.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict


class AuditChain(TypedDict):
    inserted: NotRequired[bool | None]
    lag_seconds: NotRequired[float | None]
    number: NotRequired[int | None]
    sealed_at: NotRequired[str | None]
    unsealed_rows: NotRequired[int | None]


class AuditEvent(TypedDict):
    actor: NotRequired[str | None]
    at: NotRequired[str | None]
    epoch: NotRequired[int | None]
    event: NotRequired[str | None]
    job_id: NotRequired[str | None]
    row: NotRequired[str | None]
    sealed: NotRequired[bool | None]


class AuditListAnswer(TypedDict):
    events: list[AuditEvent]
    next_cursor: Any
    ok: bool


class AuditRowAnswer(TypedDict):
    event: AuditEvent
    ok: bool


class AuditStateAnswer(TypedDict):
    chain: AuditChain
    ok: bool
    verification: AuditVerification


class AuditVerification(TypedDict):
    at: NotRequired[str | None]
    found: NotRequired[int | None]
    ok: NotRequired[bool | None]
