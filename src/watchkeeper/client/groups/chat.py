"""LINE, Telegram and Slack: doors, links, and what they post.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from typing import TypedDict, Unpack, cast

from watchkeeper.client.calling import Group, Operation
from watchkeeper.client.types.chat import (
    ChatCloseDoorAnswer,
    ChatDoorsAnswer,
    ChatLinksAnswer,
    ChatMakeCodeAnswer,
    ChatOpenDoorAnswer,
    ChatPlacesAnswer,
    ChatUnlinkAnswer,
    DoorBody,
    WhyBody,
)
from watchkeeper.client.types.shared import ReasonBody


class ChatMakeCodeSaid(WhyBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool


class ChatDoorsSaid(TypedDict, total=False):
    project: str


class ChatOpenDoorSaid(DoorBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool


class ChatCloseDoorSaid(ReasonBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool


class ChatLinksSaid(TypedDict, total=False):
    project: str


class ChatUnlinkSaid(ReasonBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool


class ChatPlacesSaid(TypedDict, total=False):
    channel: str | None
    project: str


_MAKE_CODE = Operation("POST", "/api/chat/codes", (), takes_key=True)

_DOORS = Operation("GET", "/api/chat/doors")

_OPEN_DOOR = Operation("POST", "/api/chat/doors", (), takes_key=True)

_CLOSE_DOOR = Operation("POST", "/api/chat/doors/{channel}/close", (), takes_key=True)

_LINKS = Operation("GET", "/api/chat/links")

_UNLINK = Operation("POST", "/api/chat/links/{link_id}/unlink", (), takes_key=True)

_PLACES = Operation("GET", "/api/chat/places", ("channel",))


class ChatGroup(Group):
    """LINE, Telegram and Slack: doors, links, and what they post."""

    def make_code(self, **said: Unpack[ChatMakeCodeSaid]) -> ChatMakeCodeAnswer:
        """Make a code."""
        return cast("ChatMakeCodeAnswer", self._connection.json(_MAKE_CODE, {}, said))

    def doors(self, **said: Unpack[ChatDoorsSaid]) -> ChatDoorsAnswer:
        """List the doors of a project's channels."""
        return cast("ChatDoorsAnswer", self._connection.json(_DOORS, {}, said))

    def open_door(self, **said: Unpack[ChatOpenDoorSaid]) -> ChatOpenDoorAnswer:
        """Open a door for a channel."""
        return cast("ChatOpenDoorAnswer", self._connection.json(_OPEN_DOOR, {}, said))

    def close_door(self, channel: str, **said: Unpack[ChatCloseDoorSaid]) -> ChatCloseDoorAnswer:
        """Close a door."""
        return cast("ChatCloseDoorAnswer", self._connection.json(_CLOSE_DOOR, {"channel": channel}, said))

    def links(self, **said: Unpack[ChatLinksSaid]) -> ChatLinksAnswer:
        """List linked accounts."""
        return cast("ChatLinksAnswer", self._connection.json(_LINKS, {}, said))

    def unlink(self, link_id: str, **said: Unpack[ChatUnlinkSaid]) -> ChatUnlinkAnswer:
        """End a link."""
        return cast("ChatUnlinkAnswer", self._connection.json(_UNLINK, {"link_id": link_id}, said))

    def places(self, **said: Unpack[ChatPlacesSaid]) -> ChatPlacesAnswer:
        """List the chats that the doors heard of, the latest first."""
        return cast("ChatPlacesAnswer", self._connection.json(_PLACES, {}, said))
