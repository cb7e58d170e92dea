"""Channels: how each one is, what it carried and may carry; set up by form, with secrets that are never shown again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from watchkeeper.domain.channel_kinds import KINDS, ChannelField, ChannelKind
from watchkeeper.domain.errors import NotFound
from watchkeeper.domain.principals import Right
from watchkeeper.interfaces.console.acts.act import Act, Fact, Field, Seen
from watchkeeper.interfaces.console.ground import Ground, Row, View
from watchkeeper.interfaces.console.i18n import LANGUAGES, message
from watchkeeper.interfaces.console.pages.alerts import words
from watchkeeper.interfaces.console.pages.alerts.bodies import NestedAct
from watchkeeper.interfaces.console.pages.alerts.outbox import look_at_project
from watchkeeper.interfaces.console.visit import Visit
from watchkeeper.interfaces.console.words import Badge

PLACE = {"line": "to", "telegram": "chat", "slack": "channel"}
"""The setting of a chat's channel that takes the id of a chat."""

TITLES: dict[ChannelKind, str] = {
    ChannelKind.LINE: message("Set up a LINE channel"),
    ChannelKind.TELEGRAM: message("Set up a Telegram channel"),
    ChannelKind.SLACK: message("Set up a Slack channel"),
    ChannelKind.EMAIL: message("Set up an e-mail channel"),
    ChannelKind.WEBHOOK: message("Set up a webhook"),
    ChannelKind.APPRISE: message("Set up another service"),
}
LABELS: dict[str, str] = {
    "line.to": message("Id of the user, group or room"),
    "line.token": message("Channel access token"),
    "line.channel_secret": message("Channel secret, for what comes in"),
    "telegram.chat": message("Id of the chat, or @name"),
    "telegram.token": message("The bot's token"),
    "telegram.webhook_secret": message("Secret token of the webhook, for what comes in"),
    "slack.channel": message("Id of the channel"),
    "slack.token": message("The bot's token"),
    "slack.signing_secret": message("Signing secret, for what comes in"),
    "email.to": message("Who gets it; several with commas"),
    "email.from": message("Who it is from"),
    "email.server": message("Mail server, as HOST or HOST:PORT"),
    "email.tls": message("starttls, tls or none"),
    "email.user": message("Name to log in by"),
    "email.password": message("Password to log in by"),
    "email.unsubscribe": message("Where one asks to get no more"),
    "webhook.url": message("Address that it posts to"),
    "apprise.url": message("Apprise address of the service"),
}
"""What a form asks for. Where everybody's API is, is not asked: that is the command line's."""

KEPT = message("Left empty, what is known stays.")


async def channels(ground: Ground, visit: Visit) -> View:
    scope = await ground.scope(visit)
    rows: list[Row] = []
    routes: list[Row] = []
    facts: dict[str, Any] = {"doors": {}, "places": []}
    if (project := scope.project_id) is not None:
        rows, routes = await ground.app.watchdog.alerting.channels.list(project)
        if visit.may(Right.MANAGE_POLICY):
            chat = ground.app.watchdog.chat
            facts["doors"] = {row["channel"]: row for row in await chat.doors.list(project)}
            facts["places"] = await chat.doors.places(project)
    facts |= {
        "scope": scope,
        "channels": [{**row, "badge": badge_of(row)} for row in rows],
        "routes": [row["name"] for row in routes],
        "kinds": [kind.value for kind in TITLES],
        "place_of": PLACE,
        "base": ground.app.settings.url,
        "change_of": change_of,
    }
    return View("alerts/channels.html", facts)


def badge_of(row: Row) -> Badge:
    if row["is_on"]:
        return words.ON if row["last_error"] is None else words.FAILING
    return words.OFF if row["disabled_at"] is None else words.REFUSED


def change_of(row: Row) -> dict[str, str]:
    """Give what a form begins with that changes a channel: everything but its secrets."""
    quiet = f"{row['quiet_from'][:5]}-{row['quiet_to'][:5]}" if row["quiet_from"] else None
    told = {name: str(row[name]) for name in ("name", "time_zone", "language", "per_hour")}
    told |= {} if quiet is None else {"quiet": quiet}
    return {**told, **{f"settings.{name}": value for name, value in row["settings"].items()}}


async def look_at_channel(ground: Ground, visit: Visit, project: str, target: Mapping[str, str]) -> Seen:  # noqa: ARG001
    rows, _ = await ground.app.watchdog.alerting.channels.list(project)
    row = next((row for row in rows if row["name"] == target["name"]), None)
    if row is None:
        raise NotFound("there is no such channel in this project")
    facts: tuple[Fact, ...] = (
        (message("State"), badge_of(row)),
        (message("Kind"), row["kind"]),
        (message("Leads to"), row["shown_address"]),
        (message("Last sent"), row["sent_at"]),
        (message("Last failure"), row["last_error"] or message("none")),
    )
    return Seen(row["name"], facts, f"{row['is_on']} {row['changed_at']}", frozenset({row["name"]}))


def _field(kind: ChannelKind, one: ChannelField) -> Field:
    part = "secrets" if one.is_secret else "settings"
    label = LABELS[f"{kind}.{one.name}"]
    if one.is_secret:
        return Field(f"{part}.{one.name}", label, "secret", hint=KEPT)
    needed = one.is_needed and one.usual is None
    return Field(f"{part}.{one.name}", label, default=one.usual or "", is_required=needed)


def _set_up(kind: ChannelKind) -> NestedAct:
    asked = [one for one in KINDS[kind].fields if f"{kind}.{one.name}" in LABELS]
    return NestedAct(
        name=f"channel-{kind}",
        route="POST /api/channels",
        right=Right.MANAGE_POLICY,
        title=TITLES[kind],
        plan=message(
            "The channel is turned on as it is filled in here. Secrets are kept, and never shown again."
        ),
        touches=message("Alerts go this way from now on, to whoever it reaches."),
        stays=message("The other channels; what was sent."),
        undo=message("The channel can be turned off at any time."),
        otherwise=message("Alerts go by the channels that are on."),
        look=look_at_project,
        fields=(
            Field(
                "name",
                message("The channel's name"),
                is_required=True,
                hint=message("Small letters and digits."),
            ),
            *(_field(kind, one) for one in asked),
            Field("quiet", message("Quiet hours, such as 22:00-07:00")),
            Field("time_zone", message("Time zone"), default="UTC", is_required=True),
            Field("language", message("Language"), "choice", tuple(LANGUAGES.items()), "en"),
            Field("per_hour", message("Messages an hour at most"), "number", default="30"),
        ),
        says={"kind": kind.value},
        is_rehearsed=False,
    )


OFF = Act(
    name="channel-off",
    route="POST /api/channels/{name}/off",
    right=Right.MANAGE_POLICY,
    title=message("Turn the channel off"),
    plan=message("Nothing goes this way any more; what waits for it is not sent."),
    touches=message("Everybody whom it reaches."),
    stays=message("What it needs to send is kept; the other channels go on."),
    undo=message("It can be set up again; what was not sent meanwhile is not sent later."),
    otherwise=message("Alerts go on going this way."),
    look=look_at_channel,
    target=("name",),
)
TEST = Act(
    name="channel-test",
    route="POST /api/channels/{name}/test",
    right=Right.MANAGE_POLICY,
    title=message("Send a test message"),
    plan=message("One message is sent at once, and what came of it is told."),
    touches=message("Everybody whom the channel reaches gets one message."),
    stays=message("A failure changes nothing."),
    undo=message("What was sent cannot be taken back."),
    otherwise=message("Nobody is disturbed."),
    look=look_at_channel,
    target=("name",),
    is_rehearsed=False,
    tells="detail",
)
ACTS = (*(_set_up(kind) for kind in TITLES), OFF, TEST)
