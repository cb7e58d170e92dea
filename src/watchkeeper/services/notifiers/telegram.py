"""Telegram Bot API: a message in HTML, edited in place as its incident changes; what follows answers to it.

Source of codes and bounds: core.telegram.org/bots/api (sendMessage, editMessageText, ResponseParameters).
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from watchkeeper.domain.alert_moments import Moment
from watchkeeper.services.notifiers.asking import asked, trouble_of_theirs
from watchkeeper.services.notifiers.fitting import fitted, utf16
from watchkeeper.services.notifiers.port import Address, Button, Message, NotDelivered
from watchkeeper.services.outward import Answered, Outward

MAX_UNITS = 4_096
"""Of a text after its marks were read, in UTF-16 code units."""

FOR_GOOD = ("chat not found", "bot was blocked", "bot was kicked", "user is deactivated", "not enough rights")
BUSY_SECONDS = 5.0


class TelegramNotifier:
    """Sends to one chat. A refusal of the marks is answered with the plain text."""

    def __init__(self, outward: Outward) -> None:
        self._outward = outward

    async def send(self, to: Address, message: Message) -> Mapping[str, Any]:
        chat = to.settings["chat"]
        answer = await self._ask(to, "sendMessage", _document(chat, message))
        moved = _moved_to(answer)
        if moved is not None:
            chat = moved
            answer = await self._ask(to, "sendMessage", _document(chat, message))
        if answer.status == 400 and _failure(answer).is_hopeless:
            answer = await self._ask(to, "sendMessage", _document(chat, message, is_plain=True))
        if answer.status != 200:
            raise _failure(answer)
        result = answer.document.get("result") or {}
        receipt: dict[str, Any] = {"message_id": result.get("message_id"), "chat": chat}
        return receipt if moved is None else {**receipt, "moved_to": {"chat": moved}}

    async def edit(self, to: Address, receipt: Mapping[str, Any], message: Message) -> None:
        document = _document(receipt["chat"], message) | {"message_id": receipt["message_id"]}
        document.pop("reply_parameters", None)
        answer = await self._ask(to, "editMessageText", document)
        is_same = "message is not modified" in str(answer.document.get("description"))
        if answer.status != 200 and not is_same:
            raise _failure(answer)

    async def check(self, to: Address, message: Message) -> str:  # noqa: ARG002 - the port's shape
        answer = await self._ask(to, "getChat", {"chat_id": to.settings["chat"]})
        if answer.status != 200:
            raise _failure(answer)
        return "Telegram knows the bot, and the chat"

    async def _ask(self, to: Address, method: str, document: dict[str, Any]) -> Answered:
        url = f"{to.settings['api']}/bot{to.secrets['token']}/{method}"
        answer = await asked(self._outward, url, document)
        if answer.status == 200 and answer.document.get("ok") is not True:
            raise NotDelivered("what answered is no Telegram API")
        return answer


def _document(chat: str, message: Message, *, is_plain: bool = False) -> dict[str, Any]:
    lines = fitted([message.heading, *message.body], MAX_UNITS, utf16)
    document: dict[str, Any] = {
        "chat_id": chat,
        "text": "\n".join(lines) if is_plain else html(lines),
        "link_preview_options": {"is_disabled": True},
        "disable_notification": message.moment is Moment.RESOLVED,
    }
    if not is_plain:
        document["parse_mode"] = "HTML"
        if message.buttons:
            rows = [[_button(one, message) for one in message.buttons]]
            document["reply_markup"] = {"inline_keyboard": rows}
    if message.earlier is not None and "message_id" in message.earlier.receipt:
        document["reply_parameters"] = {
            "message_id": message.earlier.receipt["message_id"],
            "allow_sending_without_reply": True,
        }
    return document


def html(lines: list[str]) -> str:
    """Write lines in Telegram's HTML, the first of them bold."""
    title, *rest = (escape(line, quote=False) for line in lines)
    return "\n".join([f"<b>{title}</b>", *rest])


def _button(button: Button, message: Message) -> dict[str, Any]:
    told = {"url": button.url} if button.url is not None else {"callback_data": button.token}
    return {"text": button.label(message.language), **told}


def _moved_to(answer: Answered) -> str | None:
    """Give the group's new id, where it became a supergroup."""
    moved = (answer.document.get("parameters") or {}).get("migrate_to_chat_id")
    return None if answer.status != 400 or moved is None else str(moved)


def _failure(answer: Answered) -> NotDelivered:
    if (theirs := trouble_of_theirs(answer)) is not None:
        return theirs
    said = str(answer.document.get("description") or "")
    detail = f"Telegram answered {answer.status}: {said}"
    if answer.status == 429:
        after = (answer.document.get("parameters") or {}).get("retry_after")
        return NotDelivered(detail, retry_after=float(after or answer.retry_after or BUSY_SECONDS))
    is_permanent = answer.status in (401, 403, 404) or any(one in said.lower() for one in FOR_GOOD)
    return NotDelivered(detail, is_permanent=is_permanent, is_hopeless=not is_permanent)
