"""The audit trail of a project, and how the installation's chain stands."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from watchkeeper.domain.principals import Right
from watchkeeper.interfaces.api.answers import answer, without_number
from watchkeeper.interfaces.api.auth import Here
from watchkeeper.interfaces.api.documents import JOB_ID, TIME, declared
from watchkeeper.interfaces.api.guarded import GuardedRoute

reads = APIRouter(prefix="/api/audit", tags=["audit"], route_class=GuardedRoute)

Text = Annotated[str | None, Query(max_length=300)]
EVENT = {"at": TIME, "event": "job_claimed", "actor": "worker:w1", "job_id": JOB_ID, "epoch": 1}
NUMBERS = frozenset({"job_seqs", "first_seq", "last_seq"})
CHAIN = {"number": 12, "sealed_at": TIME, "unsealed_rows": 0, "lag_seconds": 0.0, "inserted": False}


@reads.get("", **declared(Right.READ, example={"events": [EVENT], "next_cursor": None}))
async def events(
    access: Here,
    event: Text = None,
    actor: Text = None,
    job: Text = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[str | None, Query(max_length=50)] = None,
) -> Response:
    """List a project's audit rows, the newest first; `next_cursor` leads to the next page, null at the end.

    The numbers `seq` and `job_seq`, which all projects share, are for principals of the whole installation.
    """
    rows, following = await access.app.audit_reading.page(
        await access.project(), event=event, actor=actor, job=job, limit=limit, cursor=cursor
    )
    if access.principal.project_id is not None:
        rows = [_without_numbers(row) for row in rows]
    return answer(events=[access.app.redactor.redact_data(row) for row in rows], next_cursor=following)


def _without_numbers(row: dict[str, Any]) -> dict[str, Any]:
    data = {name: value for name, value in (row["data"] or {}).items() if name not in NUMBERS}
    if many := (row["data"] or {}).get("job_seqs"):
        data["count"] = len(many)
    return without_number(row) | {"data": data or None}


@reads.get(
    "/state",
    **declared(
        Right.MANAGE_PROJECTS, example={"chain": CHAIN, "verification": {"at": TIME, "ok": True, "found": 0}}
    ),
)
async def state(access: Here) -> Response:
    """Say how far the chain is behind, and what the last `audit verify` on the server's machine found."""
    return answer(**await access.app.audit_reading.state())
