"""Chats: whose account is whose, the code that links one, and the doors that platforms post to."""

from __future__ import annotations

from collections.abc import Mapping

from watchkeeper.domain.errors import NotFound
from watchkeeper.domain.principals import Right
from watchkeeper.interfaces.console.acts.act import Act, Fact, Field, Seen
from watchkeeper.interfaces.console.ground import Ground, View
from watchkeeper.interfaces.console.i18n import LANGUAGES, message
from watchkeeper.interfaces.console.pages.alerts.outbox import look_at_project
from watchkeeper.interfaces.console.visit import Visit

PLATFORMS = (("line", "LINE"), ("telegram", "Telegram"), ("slack", "Slack"))


async def links(ground: Ground, visit: Visit) -> View:
    scope = await ground.scope(visit)
    principal = visit.known
    only = None if principal.may(Right.MANAGE_TOKENS) else principal.id
    chats = ground.app.watchdog.chat
    rows = [] if scope.project_id is None else await chats.links.list(scope.project_id, of=only)
    return View("alerts/chat.html", {"scope": scope, "links": rows, "sees_all": only is None})


async def look_at_link(ground: Ground, visit: Visit, project: str, target: Mapping[str, str]) -> Seen:
    only = None if visit.may(Right.MANAGE_TOKENS) else visit.known.id
    for row in await ground.app.watchdog.chat.links.list(project, of=only):
        if str(row["id"]) == target["link_id"]:
            facts: tuple[Fact, ...] = (
                (message("Whose it is"), row["principal"]),
                (message("Channel"), row["channel"]),
                (message("Role"), row["role"]),
                (message("Linked"), row["linked_at"]),
                (message("Last used"), row["used_at"]),
            )
            return Seen(row["account_name"] or row["account"], facts, marks=frozenset({str(row["id"])}))
    raise NotFound("there is no such link here")


async def look_at_door(ground: Ground, visit: Visit, project: str, target: Mapping[str, str]) -> Seen:  # noqa: ARG001
    for row in await ground.app.watchdog.chat.doors.list(project):
        if row["channel"] == target["channel"]:
            facts: tuple[Fact, ...] = (
                (message("Platform"), row["platform"]),
                (message("Opened"), row["opened_at"]),
                (message("Last heard"), row["last_event_at"]),
                (message("Linked accounts"), str(row["links"])),
            )
            return Seen(row["channel"], facts, str(row["opened_at"]), frozenset({row["channel"]}))
    raise NotFound("this channel has no open door")


CODE = Act(
    name="chat-code",
    route="POST /api/chat/codes",
    right=Right.READ,
    title=message("Make a code for a chat"),
    plan=message(
        "A code is made and shown once, on the next page. Send it from your chat within ten minutes."
    ),
    touches=message("The one account that sends it: there it is you, with the role that you have here."),
    stays=message("Your other accounts. A code that you made before and did not use ends."),
    undo=message("You unlink the account here, or by the word “unlink” in the chat."),
    otherwise=message(
        "In the chat nobody knows who you are: you can take care of alerts, and decide nothing."
    ),
    look=look_at_project,
    reason="none",
    is_rehearsed=False,
)
UNLINK = Act(
    name="chat-unlink",
    route="POST /api/chat/links/{link_id}/unlink",
    right=Right.READ,
    title=message("Unlink the account"),
    plan=message("The account of the chat is nobody's any more."),
    touches=message("What its owner presses or writes there from now on."),
    stays=message("What was done from there before."),
    undo=message("It can be linked again by a new code."),
    otherwise=message("It stays linked, until the token that it was linked with ends."),
    look=look_at_link,
    target=("link_id",),
)
OPEN = Act(
    name="chat-open",
    route="POST /api/chat/doors",
    right=Right.MANAGE_POLICY,
    title=message("Open a door"),
    plan=message(
        "The platform may post to an address of this server, which the page of channels then shows."
    ),
    touches=message(
        "What people write to the bot and press under its messages is heard; the talk of a group is not."
    ),
    stays=message("What the channel sends, and to whom."),
    undo=message("The door can be closed at any time; its links end then."),
    otherwise=message("Messages have no buttons but the one that opens their page."),
    look=look_at_project,
    fields=(
        Field("channel", message("The channel's name"), is_required=True),
        Field("platform", message("Platform"), "choice", PLATFORMS, "line", is_required=True),
        Field(
            "signing_secret",
            message("Secret"),
            "secret",
            hint=message(
                "LINE: the channel secret. Slack: the signing secret. Left empty, the one that the channel knows; "
                "for Telegram one is made and shown once."
            ),
        ),
        Field("language", message("In which language it answers"), "choice", tuple(LANGUAGES.items()), "en"),
    ),
    is_rehearsed=False,
)
CLOSE = Act(
    name="chat-close",
    route="POST /api/chat/doors/{channel}/close",
    right=Right.MANAGE_POLICY,
    title=message("Close the door"),
    plan=message("The address answers no more, and buttons in the chat do nothing."),
    touches=message("Every account that was linked through it: its link ends."),
    stays=message("The channel goes on sending."),
    undo=message("A new door gets a new address, and accounts have to be linked again."),
    otherwise=message("It stays open."),
    look=look_at_door,
    target=("channel",),
)
ACTS = (CODE, UNLINK, OPEN, CLOSE)
