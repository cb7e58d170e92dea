"""Workers, live leases, and the switches that stop all claims or all actions."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Response

from watchkeeper.domain.principals import Right
from watchkeeper.interfaces.api.answers import answer, csv_file, without_number
from watchkeeper.interfaces.api.auth import Here
from watchkeeper.interfaces.api.documents import JOB_ID, declared
from watchkeeper.interfaces.api.guarded import ActRoute, GuardedRoute
from watchkeeper.interfaces.api.pages import Format, Limit
from watchkeeper.interfaces.api.schemas import ReasonBody, SwitchBody
from watchkeeper.services.list_tables import list_as_csv

reads = APIRouter(prefix="/api", tags=["workers"], route_class=GuardedRoute)
acts = APIRouter(prefix="/api", tags=["workers"], route_class=ActRoute)

WorkerName = Annotated[str, Path(max_length=200)]


@reads.get(
    "/workers",
    **declared(Right.READ, name="list", example={"workers": [{"worker_id": "w-1", "health": "ok"}]}),
)
async def workers(access: Here, limit: Limit = 200, as_: Format = "json") -> Response:
    """List workers with their health and what they hold, the live ones first."""
    rows = await access.app.insights.workers(await access.project(), limit)
    return answer(workers=rows) if as_ == "json" else csv_file("workers", list_as_csv("workers", rows))


@acts.post("/workers/{worker_id:path}/drain", **declared(Right.OPERATE, key="required"))
async def drain(worker_id: WorkerName, body: ReasonBody, access: Here) -> Response:
    """Let a worker finish what it holds and claim no more."""
    await access.app.fleet.drain(
        await access.project(), worker_id, actor=access.principal.actor, reason=body.reason
    )
    return answer(worker_id=worker_id, draining=True)


@acts.post("/workers/{worker_id:path}/resume", **declared(Right.OPERATE, key="required"))
async def resume(worker_id: WorkerName, body: ReasonBody, access: Here) -> Response:
    """Let a draining or stopped worker claim again."""
    await access.app.fleet.resume(
        await access.project(), worker_id, actor=access.principal.actor, reason=body.reason
    )
    return answer(worker_id=worker_id, draining=False)


@reads.get("/leases", **declared(Right.READ, example={"leases": [{"job_id": JOB_ID, "kind": "report"}]}))
async def leases(access: Here, limit: Limit = 200) -> Response:
    """List live leases, the next to expire first."""
    rows = await access.app.insights.leases(await access.project(), limit)
    return answer(leases=[without_number(row) for row in rows])


@acts.post("/switches/{name}", **declared(Right.SWITCH, key="required"))
async def set_switch(name: Literal["claims", "actions"], body: SwitchBody, access: Here) -> Response:
    """Turn all claims, or all actions, of the whole installation on or off."""
    await access.app.kinds.set_switch(name, is_on=body.on, actor=access.principal.actor, reason=body.reason)
    return answer(switch=name, on=body.on)
