"""Schedules: cron expressions that enqueue jobs."""

from __future__ import annotations

from fastapi import APIRouter, Response

from watchkeeper.domain.principals import Right
from watchkeeper.interfaces.api.answers import answer
from watchkeeper.interfaces.api.auth import Here
from watchkeeper.interfaces.api.documents import TIME, declared
from watchkeeper.interfaces.api.guarded import ActRoute, GuardedRoute, KeyedRoute
from watchkeeper.interfaces.api.kinds import REASON
from watchkeeper.interfaces.api.pages import MAX_PAGE, AfterName, Limit
from watchkeeper.interfaces.api.schemas import ScheduleBody
from watchkeeper.services.schedules import Schedule

reads = APIRouter(prefix="/api/schedules", tags=["schedules"], route_class=GuardedRoute)
puts = APIRouter(prefix="/api/schedules", tags=["schedules"], route_class=KeyedRoute)
acts = APIRouter(prefix="/api/schedules", tags=["schedules"], route_class=ActRoute)


@puts.post(
    "",
    **declared(
        Right.OPERATE,
        key="optional",
        example={"schedule": {"name": "nightly", "cron": "0 3 * * *", "kind": "report", "next_at": TIME}},
    ),
)
async def put(body: ScheduleBody, access: Here) -> Response:
    """Make a schedule or replace the one of its name."""
    asked = Schedule(body.name, body.cron, body.kind, body.payload, body.time_zone)
    saved = await access.app.schedules.put(
        await access.project(), asked, actor=access.principal.actor, reason=body.reason
    )
    return answer(schedule=saved)


@reads.get("", **declared(Right.READ, name="list", example={"schedules": [], "next_cursor": None}))
async def list_schedules(access: Here, limit: Limit = MAX_PAGE, cursor: AfterName = None) -> Response:
    """List the schedules of a project by name."""
    rows, following = await access.app.schedules.list(await access.project(), cursor, limit)
    shown = [access.app.redactor.redact_data(row) for row in rows]
    return answer(schedules=shown, next_cursor=following)


@acts.delete("/{name:path}", **declared(Right.OPERATE, key="required"))
async def delete(name: str, access: Here, reason: REASON | None = None) -> Response:
    """Remove a schedule."""
    await access.app.schedules.delete(
        await access.project(), name, actor=access.principal.actor, reason=reason
    )
    return answer(name=name, deleted=True)
