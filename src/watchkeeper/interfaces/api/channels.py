"""Alert channels: off until a person turns one on."""

from __future__ import annotations

from fastapi import APIRouter, Response

from watchkeeper.domain.channel_kinds import KINDS
from watchkeeper.domain.principals import Right
from watchkeeper.interfaces.api.answers import answer
from watchkeeper.interfaces.api.auth import Here
from watchkeeper.interfaces.api.documents import declared
from watchkeeper.interfaces.api.guarded import ActRoute, GuardedRoute
from watchkeeper.interfaces.api.schemas import ChannelBody, ReasonBody
from watchkeeper.services.channels import WantedChannel

reads = APIRouter(prefix="/api/channels", tags=["channels"], route_class=GuardedRoute)
acts = APIRouter(prefix="/api/channels", tags=["channels"], route_class=ActRoute)

CHANNEL = {"name": "ops", "kind": "webhook", "is_on": True, "shown_address": "https://hooks.example.org"}
ROUTE = {"name": "ops", "kind": "webhook", "channel_project": "p"}


@reads.get("", **declared(Right.READ, name="list", example={"channels": [CHANNEL], "in_use": [ROUTE]}))
async def list_channels(access: Here) -> Response:
    """List a project's channels, never what they need to send; and by which its alerts go now."""
    channels, routes = await access.app.watchdog.alerting.channels.list(await access.project())
    return answer(channels=channels, in_use=routes)


KIND = {
    "kind": "slack",
    "what": "Slack Web API: ...",
    "fields": [
        {"name": "token", "what": "the bot's token", "is_secret": True, "is_needed": True, "usual": None}
    ],
}


@reads.get("/kinds", **declared(Right.READ, name="kinds", example={"kinds": [KIND]}))
async def channel_kinds(access: Here) -> Response:  # noqa: ARG001 - whoever may read may know
    """List the kinds of channels with what each is told; what is secret is given to it, and never shown again."""
    kinds = [
        {
            "kind": kind.kind.value,
            "what": kind.what,
            "fields": [
                {
                    "name": one.name,
                    "what": one.what,
                    "is_secret": one.is_secret,
                    "is_needed": one.is_needed,
                    "usual": one.usual,
                }
                for one in kind.fields
            ],
        }
        for kind in KINDS.values()
    ]
    return answer(kinds=kinds)


@acts.post(
    "",
    **declared(Right.MANAGE_POLICY, key="required", example={"channel": {**CHANNEL, "secret": "whsec_..."}}),
)
async def turn_on(body: ChannelBody, access: Here) -> Response:
    """Turn a channel on. With a new address the key of its signatures is in this answer, and in no later one."""
    wanted = WantedChannel(
        body.name,
        body.kind,
        body.url,
        body.quiet,
        body.time_zone,
        settings=body.settings,
        secrets=body.secrets,
        language=body.language,
        per_hour=body.per_hour,
    )
    row, secret = await access.app.watchdog.alerting.channels.turn_on(
        await access.project(), wanted, actor=access.principal.actor, reason=body.reason
    )
    return answer(channel=row if secret is None else {**row, "secret": secret})


@acts.post(
    "/{name}/off", **declared(Right.MANAGE_POLICY, key="required", example={"name": "ops", "is_on": False})
)
async def turn_off(name: str, body: ReasonBody, access: Here) -> Response:
    """Turn a channel off; what waits for it is dropped."""
    await access.app.watchdog.alerting.channels.turn_off(
        await access.project(), name, actor=access.principal.actor, reason=body.reason
    )
    return answer(name=name, is_on=False)


@acts.post(
    "/{name}/test",
    **declared(
        Right.MANAGE_POLICY,
        key="required",
        example={"delivered": True, "detail": "it was taken", "receipt": {"status": 204}},
    ),
)
async def test(name: str, body: ReasonBody, access: Here) -> Response:  # noqa: ARG001 - acts give a reason
    """Send a test message on one channel at once, and say what came of it."""
    tried = await access.app.watchdog.alerting.channels.test(
        await access.project(), name, actor=access.principal.actor, dry_run=access.dry_run
    )
    return answer(delivered=tried.is_delivered, detail=tried.detail, receipt=tried.receipt)
