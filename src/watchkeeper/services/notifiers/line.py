"""LINE Messaging API: a bubble is pushed. Each push carries the alert's id as its retry key from the first try on.

Source of codes and bounds: developers.line.biz, "Retry a failed API request", "Flex Message", and line-openapi.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from watchkeeper.domain.alert_moments import Moment
from watchkeeper.services.notifiers.asking import asked, trouble_of_theirs
from watchkeeper.services.notifiers.fitting import cut, fitted
from watchkeeper.services.notifiers.port import Address, Button, Message, NotDelivered, Quota
from watchkeeper.services.outward import Answered, Outward

MAX_ALT_CHARS = 400
MAX_TEXT_CHARS = 4_500
"""A text has at most 5,000 characters; a bubble at most 30 kB, which so many in three bytes each leave room for."""

MAX_LABEL_CHARS = 20
MAX_BUTTONS = 4
QUOTA_RETRY_SECONDS = 600.0
"""A month that is used up, or a reservation that other pushes hold for a moment: both are answered alike."""

PUSH = "/v2/bot/message/push"
VALIDATE = "/v2/bot/message/validate/push"
QUOTA = "/v2/bot/message/quota"


class LineNotifier:
    """Pushes one bubble for each message; nothing that was sent can be changed."""

    def __init__(self, outward: Outward) -> None:
        self._outward = outward

    async def send(self, to: Address, message: Message) -> Mapping[str, Any]:
        answer = await self._push(to, message, bubble(message))
        if answer.status == 400 and not _is_of_address(answer):
            answer = await self._push(to, message, plain(message))
        return _receipt(answer)

    async def check(self, to: Address, message: Message) -> str:
        answer = await self._ask(to, VALIDATE, {"messages": [bubble(message)]})
        if answer.status != 200:
            raise _failure(answer)
        return "LINE says that the message is valid"

    async def quota(self, to: Address) -> Quota | None:
        limit = await self._ask(to, QUOTA)
        if limit.status != 200:
            raise _failure(limit)
        if limit.document.get("type") != "limited":
            return None
        used = await self._ask(to, f"{QUOTA}/consumption")
        if used.status != 200:
            raise _failure(used)
        return Quota(int(limit.document.get("value") or 0), int(used.document.get("totalUsage") or 0))

    async def _push(self, to: Address, message: Message, content: dict[str, Any]) -> Answered:
        document = {
            "to": to.settings["to"],
            "messages": [content],
            "notificationDisabled": message.moment is Moment.RESOLVED,
        }
        return await self._ask(to, PUSH, document, {"X-Line-Retry-Key": str(message.id)})

    async def _ask(
        self,
        to: Address,
        path: str,
        document: dict[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answered:
        url = to.settings["api"] + path
        return await asked(self._outward, url, document, token=to.secrets["token"], headers=headers)


def bubble(message: Message) -> dict[str, Any]:
    """Write a message as a Flex bubble, whose alternative text is what a notification shows."""
    lines = fitted([message.heading, *message.body], MAX_TEXT_CHARS)
    title, *rest = lines
    contents: list[dict[str, Any]] = [_text(title, size="md", weight="bold")]
    contents += [_text(line, size="sm", color="#555555") for line in rest if line.strip()]
    made: dict[str, Any] = {
        "type": "bubble",
        "body": {"type": "box", "layout": "vertical", "spacing": "sm", "contents": contents},
    }
    if buttons := [_button(one, message) for one in message.buttons[:MAX_BUTTONS]]:
        made["footer"] = {"type": "box", "layout": "vertical", "spacing": "sm", "contents": buttons}
    return {"type": "flex", "altText": cut(title, MAX_ALT_CHARS), "contents": made}


def plain(message: Message) -> dict[str, Any]:
    """Write it as text alone, with the link that the buttons would have."""
    lines = [message.heading, *message.body, *([message.link] if message.link else [])]
    return {"type": "text", "text": "\n".join(fitted(lines, MAX_TEXT_CHARS))}


def _text(text: str, **style: str) -> dict[str, Any]:
    return {"type": "text", "text": text, "wrap": True, **style}


def _button(button: Button, message: Message) -> dict[str, Any]:
    label = cut(button.label(message.language), MAX_LABEL_CHARS)
    action: dict[str, Any] = {"type": "uri", "label": label, "uri": button.url}
    if button.url is None:
        action = {"type": "postback", "label": label, "data": button.token, "displayText": label}
    style = "primary" if button.style == "primary" else "secondary"
    return {"type": "button", "height": "sm", "style": style, "action": action}


def _receipt(answer: Answered) -> Mapping[str, Any]:
    if answer.status not in (200, 409):
        raise _failure(answer)
    sent = answer.document.get("sentMessages") or [{}]
    # 409: an earlier try under the same key was taken, though its answer did not reach us.
    earlier = answer.headers.get("x-line-accepted-request-id")
    return {
        "status": answer.status,
        "request_id": earlier or answer.headers.get("x-line-request-id"),
        "message_id": sent[0].get("id"),
    }


def _failure(answer: Answered) -> NotDelivered:
    if (theirs := trouble_of_theirs(answer)) is not None:
        return theirs
    said = str(answer.document.get("message") or "")
    detail = f"LINE answered {answer.status}: {said}"
    if answer.status == 429:
        return NotDelivered(detail, retry_after=answer.retry_after or QUOTA_RETRY_SECONDS)
    is_permanent = answer.status in (401, 403) or _is_of_address(answer)
    return NotDelivered(detail, is_permanent=is_permanent, is_hopeless=True)


def _is_of_address(answer: Answered) -> bool:
    """Say whether it is the user, group or room that LINE does not know, and not the message."""
    told = [answer.document, *(answer.document.get("details") or [])]
    return answer.status == 400 and any(
        one.get("property") == "to" or "'to'" in str(one.get("message")) for one in told
    )
