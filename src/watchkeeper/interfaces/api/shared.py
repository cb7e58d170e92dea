"""What people keep of the console and show to others: saved views, read-only links, badges."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import Field, StringConstraints

from watchkeeper.domain.page_addresses import MAX_CHARS, PageAddress
from watchkeeper.domain.principals import Right
from watchkeeper.interfaces.api.answers import answer
from watchkeeper.interfaces.api.auth import Here
from watchkeeper.interfaces.api.documents import JOB_ID, TIME, declared
from watchkeeper.interfaces.api.guarded import ActRoute, GuardedRoute
from watchkeeper.interfaces.api.kinds import REASON
from watchkeeper.interfaces.api.pages import ItemId
from watchkeeper.interfaces.api.schemas import Body, Reason, ReasonBody
from watchkeeper.services.share_links import MOST_DAYS, USUAL_DAYS

view_reads = APIRouter(prefix="/api/views", tags=["views"], route_class=GuardedRoute)
view_acts = APIRouter(prefix="/api/views", tags=["views"], route_class=ActRoute)
share_reads = APIRouter(prefix="/api/shares", tags=["shares"], route_class=GuardedRoute)
share_acts = APIRouter(prefix="/api/shares", tags=["shares"], route_class=ActRoute)
badge_reads = APIRouter(prefix="/api/badges", tags=["badges"], route_class=GuardedRoute)
badge_acts = APIRouter(prefix="/api/badges", tags=["badges"], route_class=ActRoute)

VIEW: dict[str, Any] = {
    "id": JOB_ID,
    "name": "failed reviews",
    "address": "/jobs?state=failed&kind=review",
    "of_project": False,
    "saved_by": "principal:default/lin",
}
SHARE: dict[str, Any] = {
    "id": JOB_ID,
    "address": "/reports/stages",
    "reason": "for the monthly review",
    "made_by": "principal:default/lin",
    "expires_at": TIME,
    "state": "open",
}

Address = Annotated[str, StringConstraints(min_length=1, max_length=MAX_CHARS)]


class ViewBody(Body):
    """A page with its filters, and its name; `of_project`: for all who see the project."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
    address: Address
    of_project: bool = False
    reason: Reason | None = None


class ShareBody(Body):
    """The page that a link shows, for how long, and why somebody is to see it."""

    address: Address
    days: float = Field(default=USUAL_DAYS, gt=0, le=MOST_DAYS)
    reason: Reason


@view_reads.get("", **declared(Right.READ, name="list", example={"views": [VIEW]}))
async def views(access: Here) -> Response:
    """List the views that you saved in a project, and those of the project."""
    found = await access.app.watchdog.reporting.views.list(await access.project(), access.principal)
    return answer(views=found)


@view_acts.post("", **declared(Right.READ, name="save", key="required", status=201, example={"view": VIEW}))
async def save_view(body: ViewBody, access: Here) -> Response:
    """Keep a page with its filters under a name; one of the project is for supervisors and owners to keep."""
    saved = await access.app.watchdog.reporting.views.save(
        await access.project(),
        access.principal,
        body.name,
        PageAddress.parse(body.address),
        of_project=body.of_project,
        reason=body.reason,
    )
    return answer(201, view=saved)


@view_acts.delete("/{view_id}", **declared(Right.READ, name="remove", key="required"))
async def remove_view(view_id: ItemId, reason: REASON, access: Here) -> Response:
    """Remove a view of your own, or of the project."""
    views = access.app.watchdog.reporting.views
    await views.remove(await access.project(), access.principal, view_id, reason=reason)
    return answer(id=view_id, removed=True)


@share_reads.get("", **declared(Right.OPERATE, name="list", example={"shares": [SHARE]}))
async def shares(access: Here) -> Response:
    """List a project's read-only links, the newest first, never their tokens."""
    return answer(shares=await access.app.watchdog.reporting.shares.list(await access.project()))


@share_acts.post(
    "",
    **declared(
        Right.OPERATE, name="make", key="required", status=201, example={"share": {**SHARE, "secret": "..."}}
    ),
)
async def make_share(body: ShareBody, access: Here) -> Response:
    """Make a link that shows one page without a login: /share/SECRET. The secret is in this answer and nowhere else."""
    made, token = await access.app.watchdog.reporting.shares.make(
        await access.project(),
        PageAddress.parse(body.address),
        days=body.days,
        actor=access.principal.actor,
        reason=body.reason,
    )
    return answer(201, share={**made, "state": "open", "secret": token})


@share_acts.delete("/{share_id}", **declared(Right.OPERATE, name="revoke", key="required"))
async def revoke_share(share_id: ItemId, reason: REASON, access: Here) -> Response:
    """End a link at once."""
    await access.app.watchdog.reporting.shares.revoke(
        await access.project(), share_id, actor=access.principal.actor, reason=reason
    )
    return answer(id=share_id, revoked=True)


@badge_reads.get(
    "", **declared(Right.OPERATE, name="list", example={"badges": {"state": "/badge/c3RhdGU6cA.9f3c.svg"}})
)
async def badges(access: Here) -> Response:
    """Give the addresses of a project's badges: whoever has one sees its word, without a login."""
    return answer(badges=await access.app.watchdog.reporting.badges.paths(await access.project()))


@badge_acts.post("/renew", **declared(Right.OPERATE, name="renew", key="required", example={"badges": {}}))
async def renew_badges(body: ReasonBody, access: Here) -> Response:
    """Sign a project's badges anew, so that the addresses of before show nothing."""
    project, reporting = await access.project(), access.app.watchdog.reporting
    await reporting.badges.renew(project, actor=access.principal.actor, reason=body.reason)
    return answer(badges=await reporting.badges.paths(project))
