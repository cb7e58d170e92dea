"""What happened in a chat, the same for every platform: somebody wrote, pressed a button, or let us in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

MAX_TEXT_CHARS = 4_000
MAX_NAME_CHARS = 200
MAX_EVENTS = 100
"""So many events of one request are read; no platform sends as many."""


class Platform(StrEnum):
    LINE = "line"
    TELEGRAM = "telegram"
    SLACK = "slack"


class Happened(StrEnum):
    """`seen`: nothing was said, but we learnt of a chat."""

    TEXT = "text"
    BUTTON = "button"
    SEEN = "seen"


class ReplyBy(StrEnum):
    """How the answer goes back: by what came with the event, or as a message of our own to the chat."""

    TOKEN = "token"  # noqa: S105 - the name of a way
    CALLBACK = "callback"
    URL = "url"
    CHAT = "chat"


@dataclass(frozen=True, slots=True)
class ChatEvent:
    """One event. `id` is the platform's own: the same where the platform tells it again.

    `account` is who did it, `chat` where. `reply` is what an answer goes back by, as good as a secret for its
    short life; `on` is the message that a button stands on.
    """

    id: str
    happened: Happened
    chat: str
    chat_kind: str
    account: str | None = None
    account_name: str | None = None
    title: str | None = None
    text: str = ""
    reply_by: ReplyBy = ReplyBy.CHAT
    reply: str | None = None
    on: str | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What one request of a platform says. `challenge` is to be sent back at once."""

    events: tuple[ChatEvent, ...] = ()
    challenge: str | None = None


def text_of(value: Any, most: int = MAX_NAME_CHARS) -> str | None:
    """Give a text that came from outside, cut; None for what is none, or is empty."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    # What PostgreSQL cannot keep is not worth a refusal here.
    return value.replace("\0", "")[:most] or None if isinstance(value, str) else None


def part_of(value: Any, *names: str) -> Any:
    """Go into nested objects; None where there is no such part."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value
