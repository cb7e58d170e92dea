"""Who is logged in to the console: one-time links for other people, and one's own sessions."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request, Response
from pydantic import Field

from watchkeeper.domain.principals import SYSTEM_PROJECT, Right, Role
from watchkeeper.interfaces.api.answers import answer
from watchkeeper.interfaces.api.auth import Here
from watchkeeper.interfaces.api.documents import JOB_ID, TIME, declared
from watchkeeper.interfaces.api.guarded import ActRoute, GuardedRoute
from watchkeeper.interfaces.api.kinds import REASON
from watchkeeper.interfaces.api.schemas import Body, Reason, Word
from watchkeeper.interfaces.api.tokens import project_for
from watchkeeper.services.invitations import HOURS, MOST_HOURS

reads = APIRouter(prefix="/api/console-sessions", tags=["logins"], route_class=GuardedRoute)
ends = APIRouter(prefix="/api/console-sessions", tags=["logins"], route_class=ActRoute)
links = APIRouter(prefix="/api/login-links", tags=["logins"], route_class=ActRoute)

SESSION = {
    "id": "9f86d081884c7d65",
    "role": "viewer",
    "project_id": "p",
    "last_seen_at": TIME,
    "is_this": False,
}
LINK = {
    "token_id": JOB_ID,
    "principal": "p/chen",
    "role": "viewer",
    "expires_at": TIME,
    "secret": "https://watchkeeper.example.org/login?code=...",
}


class LinkBody(Body):
    """`project_id` null is for the whole installation; left out, the request's project counts.

    `channel` names one of its channels that is on: the link is sent there too.
    """

    name: Word
    role: Literal["viewer", "supervisor", "owner"]
    project_id: Annotated[str, Field(max_length=63)] | None = None
    hours: float = Field(HOURS, gt=0, le=MOST_HOURS)
    reason: Reason | None = None
    channel: Annotated[str, Field(min_length=1, max_length=100)] | None = None


@links.post("", **declared(Right.MANAGE_TOKENS, key="required", status=201, example={"link": LINK}))
async def invite(body: LinkBody, request: Request, access: Here) -> Response:
    """Make a link that logs another person in, once. It is in this answer, and with `channel` in one message.

    `delivered` says whether the channel took it; where it did not, the link is good all the same.
    """
    project = project_for(body, access)
    channels = access.app.watchdog.alerting.channels
    if body.channel is not None:
        await channels.one_that_is_on(project or SYSTEM_PROJECT, body.channel)
    made = await access.app.invitations.invite(
        body.name,
        Role(body.role),
        project,
        by=access.principal,
        hours=body.hours,
        reason=body.reason,
    )
    link = f"{request.base_url}login?code={made.code}"
    told = {
        "token_id": made.token_id,
        "principal": made.principal,
        "role": body.role,
        "expires_at": made.expires_at,
    }
    if body.channel is not None and not access.dry_run:
        tried = await channels.say(
            project or SYSTEM_PROJECT,
            body.channel,
            f"Watchkeeper: a login for {body.name}",
            f"This link logs one browser in, once:\n{link}",
            recipient=body.name,
        )
        told |= {"delivered": tried.is_delivered, "detail": tried.detail}
    return answer(201, link={**told, "secret": link})


@reads.get("", **declared(Right.READ, example={"sessions": [SESSION]}))
async def sessions(access: Here) -> Response:
    """List one's own living sessions in browsers, the last used first."""
    return answer(sessions=await access.app.login_links.sessions(access.principal.id))


@ends.delete("/{session}", **declared(Right.READ, key="required"))
async def end(session: Annotated[str, Path(max_length=64)], reason: REASON, access: Here) -> Response:
    """End one of one's own sessions: that browser has to log in again."""
    await access.app.login_links.end_one(access.principal, session, reason=reason)
    return answer(id=session, ended=True)
