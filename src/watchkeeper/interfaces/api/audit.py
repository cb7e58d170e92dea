"""The audit trail of a project, and how the installation's chain stands."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from watchkeeper.domain.principals import Right
from watchkeeper.interfaces.api.answers import answer, listed
from watchkeeper.interfaces.api.auth import Here
from watchkeeper.interfaces.api.documents import JOB_ID, TIME, declared
from watchkeeper.interfaces.api.guarded import GuardedRoute
from watchkeeper.interfaces.api.pages import Format
from watchkeeper.services.audit_names import MOST_CHARS
from watchkeeper.services.audit_reading import seen_by

reads = APIRouter(prefix="/api/audit", tags=["audit"], route_class=GuardedRoute)

Text = Annotated[str | None, Query(max_length=300)]
EVENT = {
    "row": "1793275200000000",
    "at": TIME,
    "event": "job_claimed",
    "actor": "worker:w1",
    "job_id": JOB_ID,
    "epoch": 1,
}
CHAIN = {"number": 12, "sealed_at": TIME, "unsealed_rows": 0, "lag_seconds": 0.0, "inserted": False}


@reads.get("", **declared(Right.READ, name="list", example={"events": [EVENT], "next_cursor": None}))
async def events(
    access: Here,
    event: Text = None,
    actor: Text = None,
    job: Text = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[str | None, Query(max_length=MOST_CHARS)] = None,
    as_: Format = "json",
) -> Response:
    """List a project's audit rows, the newest first; `next_cursor` leads to the next page, null at the end.

    A page that looked far back may have few rows, or none, and a cursor with which the search goes on.
    The numbers `seq` and `job_seq`, which all projects share, are for principals of the whole installation.
    """
    rows, following = await access.app.audit_reading.page(
        await access.project(), event=event, actor=actor, job=job, limit=limit, cursor=cursor
    )
    shown = [seen_by(access.principal, row, access.app.redactor) for row in rows]
    return listed("events", shown, following, as_)


@reads.get("/rows/{row}", **declared(Right.READ, name="row", example={"event": EVENT | {"sealed": True}}))
async def one_row(row: str, access: Here) -> Response:
    """Give the row that a list names `row`, with whether a seal covers it."""
    found = await access.app.audit_reading.row(await access.project(), row)
    return answer(event=seen_by(access.principal, found, access.app.redactor))


@reads.get(
    "/state",
    **declared(
        Right.MANAGE_PROJECTS, example={"chain": CHAIN, "verification": {"at": TIME, "ok": True, "found": 0}}
    ),
)
async def state(access: Here) -> Response:
    """Say how far the chain is behind, and what the last `audit verify` on the server's machine found."""
    return answer(**await access.app.audit_reading.state())
