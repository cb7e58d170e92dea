"""Where alerts go.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from typing import TypedDict, Unpack, cast

from watchkeeper.client.calling import Group, Operation
from watchkeeper.client.types.channels import (
    ChannelBody,
    ChannelsKindsAnswer,
    ChannelsListAnswer,
    ChannelsTestAnswer,
    ChannelsTurnOffAnswer,
    ChannelsTurnOnAnswer,
)
from watchkeeper.client.types.shared import ReasonBody


class ChannelsListSaid(TypedDict, total=False):
    project: str


class ChannelsTurnOnSaid(ChannelBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool


class ChannelsKindsSaid(TypedDict, total=False):
    project: str


class ChannelsTurnOffSaid(ReasonBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool


class ChannelsTestSaid(ReasonBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool


_LIST = Operation("GET", "/api/channels")

_TURN_ON = Operation("POST", "/api/channels", (), takes_key=True)

_KINDS = Operation("GET", "/api/channels/kinds")

_TURN_OFF = Operation("POST", "/api/channels/{name}/off", (), takes_key=True)

_TEST = Operation("POST", "/api/channels/{name}/test", (), takes_key=True)


class ChannelsGroup(Group):
    """Where alerts go."""

    def list(self, **said: Unpack[ChannelsListSaid]) -> ChannelsListAnswer:
        """List a project's channels, never what they need to send."""
        return cast("ChannelsListAnswer", self._connection.json(_LIST, {}, said))

    def turn_on(self, **said: Unpack[ChannelsTurnOnSaid]) -> ChannelsTurnOnAnswer:
        """Turn a channel on."""
        return cast("ChannelsTurnOnAnswer", self._connection.json(_TURN_ON, {}, said))

    def kinds(self, **said: Unpack[ChannelsKindsSaid]) -> ChannelsKindsAnswer:
        """List the kinds of channels with what each is told."""
        return cast("ChannelsKindsAnswer", self._connection.json(_KINDS, {}, said))

    def turn_off(self, name: str, **said: Unpack[ChannelsTurnOffSaid]) -> ChannelsTurnOffAnswer:
        """Turn a channel off."""
        return cast("ChannelsTurnOffAnswer", self._connection.json(_TURN_OFF, {"name": name}, said))

    def test(self, name: str, **said: Unpack[ChannelsTestSaid]) -> ChannelsTestAnswer:
        """Send a test message on one channel at once."""
        return cast("ChannelsTestAnswer", self._connection.json(_TEST, {"name": name}, said))
