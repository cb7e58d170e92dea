"""The answer to somebody in a chat, back the way that the platform gave with the event, or as a message of our own."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from watchkeeper.domain.chat.events import Platform, ReplyBy
from watchkeeper.services.notifiers.port import Address
from watchkeeper.services.outward import NoAnswer, Outward
from watchkeeper.storage.database import Row

SLACK_HOOKS = "hooks.slack.com"
LINE_TEXT_CHARS = 5_000
LINE_TEMPLATE_CHARS = 160
LINE_LABEL_CHARS = 20
TELEGRAM_TEXT_CHARS = 4_096
TELEGRAM_TOAST_CHARS = 200
SLACK_TEXT_CHARS = 3_000

AddressOf = Callable[[str, str], Awaitable[Address | None]]
"""Gives what a project's channel needs to send; None for one that is not there."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said. `button`: its label and the token that it carries."""

    text: str
    button: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class _Call:
    url: str
    body: Mapping[str, Any]
    bearer: str | None = None


class ChatAnswering:
    """Sends answers by the platforms' own APIs."""

    def __init__(self, outward: Outward, address_of: AddressOf) -> None:
        self._outward = outward
        self._address_of = address_of

    async def send(self, event: Row, answer: Answer) -> None:
        """Answer an event; raise NoAnswer where the platform does not take it, or nothing says how to reach it."""
        to = await self._address_of(event["project_id"], event["channel"])
        if event["reply_by"] == ReplyBy.URL and event["reply"]:
            calls = [_slack_url(event, to, answer)]
        elif to is None or not to.secrets.get("token"):
            raise NoAnswer(f"the channel {event['channel']} is not set up to send")
        else:
            calls = _WAYS[Platform(event["platform"])](event, to, answer)
        for call in calls:
            await self._post(call)

    async def _post(self, call: _Call) -> None:
        from watchkeeper.services.fetch_connection import Sent  # its client is loaded at the first answer

        body = json.dumps(call.body, ensure_ascii=False).encode()
        headers: dict[bytes | str, bytes | str] = {
            "Content-Type": "application/json; charset=utf-8",
            "Content-Length": str(len(body)),
        }
        if call.bearer is not None:
            headers["Authorization"] = f"Bearer {call.bearer}"
        status = await self._outward.ask(call.url, Sent("POST", "chat", headers, body))
        if not 200 <= status < 300:
            raise NoAnswer(f"the platform answered with status {status}")


def _line(event: Row, to: Address, answer: Answer) -> list[_Call]:
    messages: list[dict[str, Any]] = [{"type": "text", "text": answer.text[:LINE_TEXT_CHARS]}]
    if answer.button is not None:
        label, token = answer.button
        action = {"type": "postback", "label": label[:LINE_LABEL_CHARS], "data": token, "displayText": label}
        template = {"type": "buttons", "text": answer.text[:LINE_TEMPLATE_CHARS], "actions": [action]}
        only = messages if len(answer.text) > LINE_TEMPLATE_CHARS else []
        messages = [*only, {"type": "template", "altText": answer.text[:400], "template": template}]
    body = {"replyToken": event["reply"], "messages": messages}
    return [_Call(f"{to.settings['api']}/v2/bot/message/reply", body, to.secrets["token"])]


def _telegram(event: Row, to: Address, answer: Answer) -> list[_Call]:
    base = f"{to.settings['api']}/bot{to.secrets['token']}"
    calls = []
    if event["reply_by"] == ReplyBy.CALLBACK:
        toast = {"callback_query_id": event["reply"], "text": answer.text[:TELEGRAM_TOAST_CHARS]}
        calls.append(_Call(f"{base}/answerCallbackQuery", {**toast, "show_alert": True}))
        if answer.button is None and len(answer.text) <= TELEGRAM_TOAST_CHARS:
            return calls
    said: dict[str, Any] = {"chat_id": event["chat"], "text": answer.text[:TELEGRAM_TEXT_CHARS]}
    if answer.button is not None:
        label, token = answer.button
        said["reply_markup"] = {"inline_keyboard": [[{"text": label, "callback_data": token}]]}
    if event["message"] is not None:
        told = {"message_id": int(event["message"]), "allow_sending_without_reply": True}
        said["reply_parameters"] = told
    return [*calls, _Call(f"{base}/sendMessage", said)]


def _slack(event: Row, to: Address, answer: Answer) -> list[_Call]:
    said = {"channel": event["chat"], **_slack_text(answer)}
    if event["message"] is not None:
        said["thread_ts"] = event["message"]
    return [_Call(f"{to.settings['api']}/chat.postMessage", said, to.secrets["token"])]


def _slack_url(event: Row, to: Address | None, answer: Answer) -> _Call:
    """Answer by the address that came with the event; one that is not Slack's is asked nothing."""
    place = urlsplit(event["reply"])
    own = urlsplit(to.settings.get("api", "")) if to is not None else None
    if (place.scheme, place.netloc) not in {
        ("https", SLACK_HOOKS),
        *([(own.scheme, own.netloc)] if own else []),
    }:
        raise NoAnswer("the address for the answer is not Slack's", is_refused=True)
    only_them = {"response_type": "ephemeral", "replace_original": False}
    return _Call(event["reply"], {**only_them, **_slack_text(answer)})


def _slack_text(answer: Answer) -> dict[str, Any]:
    # Slack's own rule for what is not meant as its marks.
    text = answer.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")[:SLACK_TEXT_CHARS]
    if answer.button is None:
        return {"text": text}
    label, token = answer.button
    pressed = {
        "type": "button",
        "style": "primary",
        "text": {"type": "plain_text", "text": label},
        "value": token,
    }
    section = {"type": "section", "text": {"type": "mrkdwn", "text": text}}
    return {"text": text, "blocks": [section, {"type": "actions", "elements": [pressed]}]}


_WAYS: Mapping[Platform, Callable[[Row, Address, Answer], list[_Call]]] = {
    Platform.LINE: _line,
    Platform.TELEGRAM: _telegram,
    Platform.SLACK: _slack,
}
