"""Types: Where alerts go.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict


class Channel(TypedDict):
    is_on: NotRequired[bool | None]
    kind: NotRequired[str | None]
    name: NotRequired[str | None]
    secret: NotRequired[str | None]
    shown_address: NotRequired[str | None]


class ChannelBody(TypedDict):
    """Secrets and a `url` that are left out stay as they are."""

    kind: NotRequired[str]
    language: NotRequired[str]
    name: str
    per_hour: NotRequired[int]
    quiet: NotRequired[str | None]
    reason: str
    secrets: NotRequired[dict[str, Any]]
    settings: NotRequired[dict[str, Any]]
    time_zone: NotRequired[str]
    url: NotRequired[str | None]


class ChannelsField(TypedDict):
    is_needed: NotRequired[bool | None]
    is_secret: NotRequired[bool | None]
    name: NotRequired[str | None]
    usual: NotRequired[Any]
    what: NotRequired[str | None]


class ChannelsInUse(TypedDict):
    channel_project: NotRequired[str | None]
    kind: NotRequired[str | None]
    name: NotRequired[str | None]


class ChannelsKind(TypedDict):
    fields: NotRequired[list[ChannelsField] | None]
    kind: NotRequired[str | None]
    what: NotRequired[str | None]


class ChannelsKindsAnswer(TypedDict):
    kinds: list[ChannelsKind]
    ok: bool


class ChannelsListAnswer(TypedDict):
    channels: list[Channel]
    in_use: list[ChannelsInUse]
    ok: bool


class ChannelsReceipt(TypedDict):
    status: NotRequired[int | None]


class ChannelsTestAnswer(TypedDict):
    delivered: bool
    detail: str
    ok: bool
    receipt: ChannelsReceipt


class ChannelsTurnOffAnswer(TypedDict):
    is_on: bool
    name: str
    ok: bool


class ChannelsTurnOnAnswer(TypedDict):
    channel: Channel
    ok: bool
