"""Types: LINE, Telegram and Slack: doors, links, and what they post.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict


class ChatCloseDoorAnswer(TypedDict):
    channel: str
    closed: bool
    ok: bool


class ChatCode(TypedDict):
    expires_at: NotRequired[str | None]
    secret: NotRequired[str | None]


class ChatDoor(TypedDict):
    channel: NotRequired[str | None]
    language: NotRequired[str | None]
    links: NotRequired[int | None]
    path: NotRequired[str | None]
    platform: NotRequired[str | None]


class ChatDoorsAnswer(TypedDict):
    doors: list[ChatDoor]
    ok: bool


class ChatLink(TypedDict):
    account: NotRequired[str | None]
    channel: NotRequired[str | None]
    counts: NotRequired[bool | None]
    id: NotRequired[str | None]
    platform: NotRequired[str | None]
    principal: NotRequired[str | None]
    role: NotRequired[str | None]


class ChatLinksAnswer(TypedDict):
    links: list[ChatLink]
    ok: bool


class ChatMakeCodeAnswer(TypedDict):
    code: ChatCode
    ok: bool


class ChatOpenDoorAnswer(TypedDict):
    door: ChatDoor
    ok: bool


class ChatPlace(TypedDict):
    channel: NotRequired[str | None]
    chat: NotRequired[str | None]
    kind: NotRequired[str | None]
    last_seen_at: NotRequired[str | None]
    platform: NotRequired[str | None]


class ChatPlacesAnswer(TypedDict):
    ok: bool
    places: list[ChatPlace]


class ChatUnlinkAnswer(TypedDict):
    id: str
    ok: bool
    unlinked: bool


class DoorBody(TypedDict):
    """`signing_secret`."""

    channel: str
    language: NotRequired[str]
    platform: str
    reason: str
    signing_secret: NotRequired[str | None]


class WhyBody(TypedDict):
    """Why, where somebody says so."""

    reason: NotRequired[str | None]
