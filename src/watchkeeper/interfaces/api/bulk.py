"""Acts on all jobs that match a filter: previewed, begun, followed, stopped."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response

from watchkeeper.domain.bulk import BulkFilter
from watchkeeper.domain.jobs import JobState
from watchkeeper.domain.principals import Right
from watchkeeper.interfaces.api.answers import answer
from watchkeeper.interfaces.api.auth import Here
from watchkeeper.interfaces.api.documents import JOB_ID, TIME, declared
from watchkeeper.interfaces.api.guarded import ActRoute, GuardedRoute
from watchkeeper.interfaces.api.pages import ItemId
from watchkeeper.interfaces.api.schemas import Body, Reason, ReasonBody, Time

reads = APIRouter(prefix="/api/bulk-acts", tags=["bulk"], route_class=GuardedRoute)
acts = APIRouter(prefix="/api/bulk-acts", tags=["bulk"], route_class=ActRoute)

What = Literal["cancel", "pause", "resume", "requeue"]
State = Literal["pending", "running", "stuck", "paused", "failed", "cancelled"]
ACT = {
    "id": JOB_ID,
    "what": "requeue",
    "of_state": "failed",
    "of_kind": "report",
    "made_before": TIME,
    "state": "running",
    "done": 300,
    "skipped": 1,
}
NUMBERS = ("looked_to", "up_to")
"""What only the program needs: numbers that tell of all projects."""


class BulkBody(Body):
    """Which act on which jobs: one state, one kind or all, made before a time."""

    what: What
    state: State
    kind: str | None = None
    made_before: Time
    reason: Reason


def told(row: dict[str, Any]) -> dict[str, Any]:
    share = row["looked_to"] / row["up_to"] if row["up_to"] else 1.0
    looked = 1.0 if row["state"] == "done" else round(min(1.0, share), 3)
    return {name: value for name, value in row.items() if name not in NUMBERS} | {"looked_share": looked}


@reads.get("", **declared(Right.READ, name="list", example={"bulk_acts": [ACT]}))
async def bulk_acts(access: Here, limit: Annotated[int, Query(ge=1, le=1000)] = 50) -> Response:
    """List the bulk acts of a project, the newest first, with how far each one is."""
    rows = await access.app.bulk.list(await access.project(), limit)
    return answer(bulk_acts=[told(row) for row in rows])


@reads.get(
    "/preview",
    **declared(Right.READ, example={"matching": 300, "capped": False, "examples": [{"id": JOB_ID}]}),
)
async def preview(
    access: Here,
    what: What,
    state: State,
    made_before: Time,
    kind: Annotated[str | None, Query(max_length=100)] = None,
) -> Response:
    """Count the jobs that a bulk act would move, among the first 10,000 in that state, with examples."""
    wanted = BulkFilter(what, JobState(state), kind, made_before)
    return answer(**await access.app.bulk.preview(await access.project(), wanted))


@reads.get("/{act_id}", **declared(Right.READ, name="show", example={"bulk_act": ACT}))
async def show_bulk_act(act_id: ItemId, access: Here) -> Response:
    """Give one bulk act with how far it is: moved, skipped since they had moved on, and the share looked at."""
    return answer(bulk_act=told(await access.app.bulk.show(await access.project(), act_id)))


@acts.post("", **declared(Right.OPERATE, name="begin", key="required", status=201, example={"bulk_act": ACT}))
async def begin_bulk_act(body: BulkBody, access: Here) -> Response:
    """Begin a bulk act; the watch carries it out in batches. Jobs that are made later are none of its.

    A dry run tells in `preview` what it would move.
    """
    wanted = BulkFilter(body.what, JobState(body.state), body.kind, body.made_before)
    project, bulk = await access.project(), access.app.bulk
    found = {"preview": await bulk.preview(project, wanted)} if access.dry_run else {}
    row = await bulk.begin(project, wanted, actor=access.principal.actor, reason=body.reason)
    return answer(201, bulk_act=told(row), **found)


@acts.post(
    "/{act_id}/stop", **declared(Right.OPERATE, name="stop", key="required", example={"bulk_act": ACT})
)
async def stop_bulk_act(act_id: ItemId, body: ReasonBody, access: Here) -> Response:
    """Stop a bulk act after its present batch; what it has moved stays moved."""
    row = await access.app.bulk.stop(
        await access.project(), act_id, actor=access.principal.actor, reason=body.reason
    )
    return answer(bulk_act=told(row))
