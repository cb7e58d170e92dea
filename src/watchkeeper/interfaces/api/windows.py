"""Maintenance windows: listed, opened, closed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from watchkeeper.domain.principals import Right
from watchkeeper.interfaces.api.answers import answer
from watchkeeper.interfaces.api.auth import Here
from watchkeeper.interfaces.api.documents import JOB_ID, TIME, declared
from watchkeeper.interfaces.api.guarded import ActRoute, GuardedRoute
from watchkeeper.interfaces.api.pages import ItemId
from watchkeeper.interfaces.api.schemas import Body, Reason, ReasonBody, Time, Word
from watchkeeper.services.windows import MOST_HOURS

reads = APIRouter(prefix="/api/maintenance-windows", tags=["windows"], route_class=GuardedRoute)
acts = APIRouter(prefix="/api/maintenance-windows", tags=["windows"], route_class=ActRoute)

WINDOW = {"id": JOB_ID, "host_id": "host-1", "starts_at": TIME, "ends_at": TIME, "state": "open"}


class WindowBody(Body):
    """`host_id` left out is for every host; `starts_at` left out is at once."""

    hours: float = Field(gt=0, le=MOST_HOURS)
    host_id: Word | None = None
    starts_at: Time | None = None
    reason: Reason


@reads.get("", **declared(Right.READ, name="list", example={"maintenance_windows": [WINDOW]}))
async def windows(access: Here, limit: Annotated[int, Query(ge=1, le=1000)] = 50) -> Response:
    """List the maintenance windows of a project, the newest first."""
    return answer(maintenance_windows=await access.app.windows.list(await access.project(), limit))


@acts.post(
    "",
    **declared(
        Right.MANAGE_POLICY, name="open", key="required", status=201, example={"maintenance_window": WINDOW}
    ),
)
async def open_window(body: WindowBody, access: Here) -> Response:
    """Open a maintenance window: a grant to act on a host for a while. It silences nothing."""
    row = await access.app.windows.open(
        await access.project(),
        hours=body.hours,
        host_id=body.host_id,
        starts_at=body.starts_at,
        actor=access.principal.actor,
        reason=body.reason,
    )
    return answer(201, maintenance_window=row)


@acts.post(
    "/{window_id}/close",
    **declared(Right.MANAGE_POLICY, name="close", key="required", example={"maintenance_window": WINDOW}),
)
async def close_window(window_id: ItemId, body: ReasonBody, access: Here) -> Response:
    """Close a maintenance window before its end."""
    row = await access.app.windows.close(
        await access.project(), window_id, actor=access.principal.actor, reason=body.reason
    )
    return answer(maintenance_window=row)
