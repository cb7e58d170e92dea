"""Telegram: an update, as the Bot API posts it to a webhook."""

from __future__ import annotations

from typing import Any

from watchkeeper.domain.chat.events import (
    MAX_TEXT_CHARS,
    ChatEvent,
    Happened,
    ReplyBy,
    Told,
    part_of,
    text_of,
)

CHAT_KINDS = {"private": "user"}


def read_telegram(document: Any) -> Told:
    """Read one update; what we have no use for gives nothing."""
    update_id = part_of(document, "update_id")
    if not isinstance(update_id, int):
        return Told()
    callback = part_of(document, "callback_query")
    if isinstance(callback, dict):
        event = _pressed(str(update_id), callback)
    else:
        message = part_of(document, "message")
        joined = part_of(document, "my_chat_member")
        event = _event(str(update_id), message if isinstance(message, dict) else joined)
    return Told(() if event is None else (event,))


def _pressed(update_id: str, callback: dict[str, Any]) -> ChatEvent | None:
    message = callback.get("message")
    event = _event(update_id, {"chat": part_of(message, "chat"), "from": callback.get("from")})
    if event is None:
        return None
    return ChatEvent(
        event.id,
        Happened.BUTTON,
        event.chat,
        event.chat_kind,
        event.account,
        event.account_name,
        event.title,
        text_of(callback.get("data"), 64) or "",
        ReplyBy.CALLBACK,
        text_of(callback.get("id")),
        text_of(part_of(message, "message_id")),
    )


def _event(update_id: str, message: Any) -> ChatEvent | None:
    chat = part_of(message, "chat")
    chat_id = text_of(part_of(chat, "id"))
    if chat_id is None:
        return None
    kind = text_of(part_of(chat, "type")) or "user"
    text = text_of(part_of(message, "text"), MAX_TEXT_CHARS)
    sender = part_of(message, "from")
    name = text_of(part_of(sender, "username")) or text_of(part_of(sender, "first_name"))
    return ChatEvent(
        update_id,
        Happened.SEEN if text is None else Happened.TEXT,
        chat_id,
        CHAT_KINDS.get(kind, kind),
        account=text_of(part_of(sender, "id")),
        account_name=name,
        title=text_of(part_of(chat, "title")),
        text=text or "",
    )
