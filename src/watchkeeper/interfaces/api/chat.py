"""Chats as a way in: the doors of channels, the chats that they heard of, and linked accounts."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import Field, StringConstraints

from watchkeeper.domain.principals import Right
from watchkeeper.interfaces.api.answers import answer
from watchkeeper.interfaces.api.auth import Here
from watchkeeper.interfaces.api.documents import JOB_ID, TIME, declared
from watchkeeper.interfaces.api.guarded import ActRoute, GuardedRoute
from watchkeeper.interfaces.api.pages import ItemId
from watchkeeper.interfaces.api.schemas import Body, Reason, ReasonBody, WhyBody, Word
from watchkeeper.services.chat.doors import WantedDoor

reads = APIRouter(prefix="/api/chat", tags=["chat"], route_class=GuardedRoute)
acts = APIRouter(prefix="/api/chat", tags=["chat"], route_class=ActRoute)

DOOR = {
    "channel": "ops",
    "platform": "line",
    "language": "en",
    "path": "/api/inbound/line/uG3...",
    "links": 1,
}
PLACE = {"channel": "ops", "platform": "line", "chat": "C4af49...", "kind": "group", "last_seen_at": TIME}
LINK: dict[str, Any] = {
    "id": JOB_ID,
    "channel": "ops",
    "platform": "line",
    "account": "U4af49...",
    "principal": "ann",
    "role": "supervisor",
    "counts": True,
}

Channel = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]{0,62}$")]


class DoorBody(Body):
    """`signing_secret`: LINE's channel secret or Slack's signing secret; for Telegram one is made and shown once."""

    channel: Channel
    platform: Word
    signing_secret: Annotated[str, StringConstraints(min_length=1, max_length=300)] | None = Field(
        None, repr=False
    )
    language: Word = "en"
    reason: Reason


@reads.get("/doors", **declared(Right.MANAGE_POLICY, name="doors", example={"doors": [DOOR]}))
async def list_doors(access: Here) -> Response:
    """List the doors of a project's channels: where each platform posts to, never what proves it."""
    return answer(doors=await access.app.watchdog.chat.doors.list(await access.project()))


@acts.post("/doors", **declared(Right.MANAGE_POLICY, key="required", status=201, example={"door": DOOR}))
async def open_door(body: DoorBody, access: Here) -> Response:
    """Open a door for a channel. A secret that was made for it is in this answer, and in no later one."""
    wanted = WantedDoor(body.channel, body.platform, body.signing_secret, body.language)
    door, made = await access.app.watchdog.chat.doors.open(
        await access.project(), wanted, actor=access.principal.actor, reason=body.reason
    )
    return answer(201, door=door if made is None else {**door, "secret": made})


@acts.post(
    "/doors/{channel}/close",
    **declared(Right.MANAGE_POLICY, key="required", example={"channel": "ops", "closed": True}),
)
async def close_door(channel: str, body: ReasonBody, access: Here) -> Response:
    """Close a door; the accounts that were linked through it are linked no more."""
    await access.app.watchdog.chat.doors.close(
        await access.project(), channel, actor=access.principal.actor, reason=body.reason
    )
    return answer(channel=channel, closed=True)


@reads.get("/places", **declared(Right.MANAGE_POLICY, name="places", example={"places": [PLACE]}))
async def list_places(
    access: Here,
    channel: Annotated[str | None, Query(max_length=63, description="Of one channel's door only.")] = None,
) -> Response:
    """List the chats that the doors heard of, the latest first: their ids are what messages are sent to."""
    return answer(places=await access.app.watchdog.chat.doors.places(await access.project(), channel))


@reads.get("/links", **declared(Right.READ, name="links", example={"links": [LINK]}))
async def list_links(access: Here) -> Response:
    """List linked accounts: an owner sees all of a project's chats, others their own."""
    principal = access.principal
    only = None if principal.may(Right.MANAGE_TOKENS) else principal.id
    return answer(links=await access.app.watchdog.chat.links.list(await access.project(), of=only))


@acts.post(
    "/codes",
    **declared(
        Right.READ, key="required", status=201, example={"code": {"secret": "WK-...", "expires_at": TIME}}
    ),
)
async def make_code(body: WhyBody, access: Here) -> Response:
    """Make a code; who sends it from a chat within ten minutes is there who asks here. It is shown this once."""
    made = await access.app.watchdog.chat.links.make_code(access.principal, reason=body.reason)
    return answer(201, code={"secret": made.code, "expires_at": made.expires_at})


@acts.post(
    "/links/{link_id}/unlink",
    **declared(Right.READ, key="required", example={"id": JOB_ID, "unlinked": True}),
)
async def unlink(link_id: ItemId, body: ReasonBody, access: Here) -> Response:
    """End a link: one's own, or as an owner anybody's."""
    await access.app.watchdog.chat.links.unlink(
        await access.project(), link_id, access.principal, reason=body.reason
    )
    return answer(id=link_id, unlinked=True)
