"""Slack: events, pressed buttons and slash commands, as its servers post them."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

from watchkeeper.domain.chat.events import (
    MAX_TEXT_CHARS,
    ChatEvent,
    Happened,
    ReplyBy,
    Told,
    part_of,
    text_of,
)
from watchkeeper.domain.errors import UsageError

FORM = "application/x-www-form-urlencoded"
MAX_FIELDS = 100
MAX_URL_CHARS = 3_000


def slack_document(content_type: str, body: bytes) -> Any:
    """Give what a body says, a form or JSON; raise UsageError for what is neither."""
    try:
        if content_type.partition(";")[0].strip().lower() != FORM:
            return json.loads(body)
        form = dict(parse_qsl(body.decode(), max_num_fields=MAX_FIELDS))
        return json.loads(form["payload"]) if "payload" in form else form
    except (ValueError, RecursionError):
        raise UsageError("the body is neither JSON nor a form") from None


def read_slack(document: Any) -> Told:
    """Read one request: an event, a pressed button, a slash command; or the challenge that proves an address."""
    kind = part_of(document, "type")
    if kind == "url_verification":
        return Told(challenge=text_of(part_of(document, "challenge"), 500))
    if kind == "event_callback":
        event = _spoken(document)
    elif kind == "block_actions":
        event = _pressed(document)
    elif text_of(part_of(document, "command")) is not None:
        event = _commanded(document)
    else:
        event = None
    return Told(() if event is None else (event,))


def _spoken(document: Any) -> ChatEvent | None:
    event, event_id = part_of(document, "event"), text_of(part_of(document, "event_id"))
    channel = text_of(part_of(event, "channel"))
    is_own = part_of(event, "bot_id") is not None or part_of(event, "subtype") is not None
    if channel is None or event_id is None or is_own:
        return None
    text = text_of(part_of(event, "text"), MAX_TEXT_CHARS) or ""
    if text.startswith("<@"):  # who mentions us says our name first
        text = text.partition(">")[2].strip()
    return ChatEvent(
        event_id,
        Happened.TEXT if text else Happened.SEEN,
        channel,
        text_of(part_of(event, "channel_type")) or "channel",
        account=text_of(part_of(event, "user")),
        text=text,
        on=text_of(part_of(event, "thread_ts")) or text_of(part_of(event, "ts")),
    )


def _pressed(document: Any) -> ChatEvent | None:
    actions = part_of(document, "actions")
    action = actions[0] if isinstance(actions, list) and actions else None
    channel = text_of(part_of(document, "channel", "id"))
    trigger = text_of(part_of(document, "trigger_id"))
    if channel is None or trigger is None:
        return None
    return ChatEvent(
        f"{trigger}:{text_of(part_of(action, 'action_ts')) or ''}",
        Happened.BUTTON,
        channel,
        "channel",
        account=text_of(part_of(document, "user", "id")),
        account_name=text_of(part_of(document, "user", "username")),
        title=text_of(part_of(document, "channel", "name")),
        text=text_of(part_of(action, "value"), 300) or "",
        reply_by=ReplyBy.URL,
        reply=text_of(part_of(document, "response_url"), MAX_URL_CHARS),
        on=text_of(part_of(document, "container", "message_ts")),
    )


def _commanded(form: Any) -> ChatEvent | None:
    channel, trigger = text_of(part_of(form, "channel_id")), text_of(part_of(form, "trigger_id"))
    if channel is None or trigger is None:
        return None
    return ChatEvent(
        trigger,
        Happened.TEXT,
        channel,
        "channel",
        account=text_of(part_of(form, "user_id")),
        account_name=text_of(part_of(form, "user_name")),
        title=text_of(part_of(form, "channel_name")),
        text=text_of(part_of(form, "text"), MAX_TEXT_CHARS) or "help",
        reply_by=ReplyBy.URL,
        reply=text_of(part_of(form, "response_url"), MAX_URL_CHARS),
    )
