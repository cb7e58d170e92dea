"""Slack Web API: blocks, and a text for the notification; updated as its incident changes, its story in a thread.

Source of codes and bounds: docs.slack.dev (chat.postMessage, chat.update, block kit, rate limits).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from watchkeeper.services.notifiers.asking import asked, trouble_of_theirs
from watchkeeper.services.notifiers.fitting import cut, fitted
from watchkeeper.services.notifiers.port import Address, Button, Message, NotDelivered
from watchkeeper.services.outward import Answered, Outward

MAX_HEADER_CHARS = 150
MAX_SECTION_CHARS = 3_000
MAX_TEXT_CHARS = 3_900
MAX_LABEL_CHARS = 75
MAX_BUTTONS = 25

FOR_GOOD = frozenset(
    {
        *("account_inactive", "channel_not_found", "ekm_access_denied", "invalid_auth", "is_archived"),
        *("missing_scope", "no_permission", "not_allowed_token_type", "not_authed", "not_in_channel"),
        *(
            "org_login_required",
            "restricted_action",
            "team_access_not_granted",
            "token_expired",
            "token_revoked",
        ),
    }
)
OF_THE_BLOCKS = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long"})
FOR_NOW = frozenset(
    {"fatal_error", "internal_error", "request_timeout", "service_unavailable", "ratelimited"}
)
BUSY_SECONDS = 5.0


class SlackNotifier:
    """Posts to one channel. A refusal of the blocks is answered with the plain text."""

    def __init__(self, outward: Outward) -> None:
        self._outward = outward

    async def send(self, to: Address, message: Message) -> Mapping[str, Any]:
        document: dict[str, Any] = {"channel": to.settings["channel"], **_said(message)}
        if message.earlier is not None and "ts" in message.earlier.receipt:
            document["thread_ts"] = message.earlier.receipt["ts"]
        answer = await self._ask(to, "chat.postMessage", document)
        if answer.document.get("error") in OF_THE_BLOCKS:
            del document["blocks"]
            answer = await self._ask(to, "chat.postMessage", document)
        _refuse(answer)
        return {"ts": answer.document.get("ts"), "channel": answer.document.get("channel")}

    async def edit(self, to: Address, receipt: Mapping[str, Any], message: Message) -> None:
        document = {"channel": receipt["channel"], "ts": receipt["ts"], **_said(message)}
        _refuse(await self._ask(to, "chat.update", document))

    async def check(self, to: Address, message: Message) -> str:  # noqa: ARG002 - the port's shape
        _refuse(await self._ask(to, "auth.test", {}))
        return "Slack knows the bot"

    async def _ask(self, to: Address, method: str, document: dict[str, Any]) -> Answered:
        return await asked(
            self._outward, f"{to.settings['api']}/{method}", document, token=to.secrets["token"]
        )


def _said(message: Message) -> dict[str, Any]:
    lines = fitted([message.heading, *message.body], MAX_TEXT_CHARS, _escaped_size)
    return {
        "text": "\n".join(escaped(line) for line in lines),
        "blocks": blocks(message),
        "unfurl_links": False,
        "unfurl_media": False,
    }


def blocks(message: Message) -> list[dict[str, Any]]:
    """Write a message as a header, a section of its lines, and its buttons."""
    header = cut(message.heading, MAX_HEADER_CHARS, _escaped_size)
    made: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": header, "emoji": False}}
    ]
    if lines := fitted(list(message.body), MAX_SECTION_CHARS, _escaped_size):
        # verbatim: a name or an address in a text from outside becomes no link and calls nobody.
        text = {"type": "mrkdwn", "text": "\n".join(map(escaped, lines)), "verbatim": True}
        made.append({"type": "section", "text": text})
    if buttons := [_button(one, place, message) for place, one in enumerate(message.buttons[:MAX_BUTTONS])]:
        made.append({"type": "actions", "elements": buttons})
    return made


def escaped(text: str) -> str:
    """Escape what Slack reads as a mention, a link or a special command."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _escaped_size(text: str) -> int:
    return len(escaped(text))


def _button(button: Button, place: int, message: Message) -> dict[str, Any]:
    label = cut(button.label(message.language), MAX_LABEL_CHARS)
    made: dict[str, Any] = {
        "type": "button",
        "action_id": f"watchkeeper:{place}",
        "text": {"type": "plain_text", "text": label, "emoji": False},
    }
    made |= {"url": button.url} if button.url is not None else {"value": button.token}
    return made if button.style is None else {**made, "style": button.style}


def _refuse(answer: Answered) -> None:
    """Raise NotDelivered for an answer that is no success: Slack says most of them with status 200."""
    if (theirs := trouble_of_theirs(answer)) is not None:
        raise theirs
    error = str(answer.document.get("error") or f"status {answer.status}")
    if answer.status == 429 or error in FOR_NOW:
        raise NotDelivered(f"Slack answered {error}", retry_after=answer.retry_after or BUSY_SECONDS)
    if answer.document.get("ok") is not True:
        is_permanent = error in FOR_GOOD or answer.status in (401, 403, 404)
        raise NotDelivered(f"Slack answered {error}", is_permanent=is_permanent, is_hopeless=not is_permanent)
