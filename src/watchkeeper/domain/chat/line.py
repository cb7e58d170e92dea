"""LINE: a webhook's body, as the Messaging API has it (line-openapi, webhook.yml)."""

from __future__ import annotations

from typing import Any

from watchkeeper.domain.chat.events import (
    MAX_EVENTS,
    MAX_TEXT_CHARS,
    ChatEvent,
    Happened,
    ReplyBy,
    Told,
    part_of,
    text_of,
)

CHATS = {"group": "groupId", "room": "roomId", "user": "userId"}
POSTED = frozenset({"message", "postback", "follow", "join", "memberJoined"})


def read_line(document: Any) -> Told:
    """Read the events that stand in a body; what we have no use for is left out."""
    events = part_of(document, "events")
    found = [_event(event) for event in events[:MAX_EVENTS]] if isinstance(events, list) else []
    return Told(tuple(event for event in found if event is not None))


def _event(event: Any) -> ChatEvent | None:
    kind, source = part_of(event, "type"), part_of(event, "source")
    chat_kind = text_of(part_of(source, "type")) or ""
    chat = text_of(part_of(source, CHATS.get(chat_kind, "")))
    event_id = text_of(part_of(event, "webhookEventId"))
    if kind not in POSTED or chat is None or event_id is None:
        return None
    token = text_of(part_of(event, "replyToken"))
    happened, text = _said(event, kind)
    return ChatEvent(
        event_id,
        happened,
        chat,
        chat_kind,
        account=text_of(part_of(source, "userId")),
        text=text,
        reply_by=ReplyBy.TOKEN,
        reply=token,
    )


def _said(event: Any, kind: str) -> tuple[Happened, str]:
    if kind == "postback":
        return Happened.BUTTON, text_of(part_of(event, "postback", "data"), 300) or ""
    if kind == "message" and part_of(event, "message", "type") == "text":
        return Happened.TEXT, text_of(part_of(event, "message", "text"), MAX_TEXT_CHARS) or ""
    return Happened.SEEN, ""
