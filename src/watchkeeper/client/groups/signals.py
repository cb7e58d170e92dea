"""What came from outside to be acted upon.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypedDict, Unpack, cast

from watchkeeper.client.calling import Group, Operation
from watchkeeper.client.types.signals import (
    Signal,
    SignalBody,
    SignalsAdoptionAnswer,
    SignalsChainAnswer,
    SignalsListAnswer,
    SignalsReceiveAnswer,
    SignalsShowAnswer,
    SignalsValueAnswer,
    ToldBody,
)


class SignalsListSaid(TypedDict, total=False):
    topic: str | None
    group: bool
    limit: int
    cursor: str | None
    project: str


class SignalsReceiveSaid(SignalBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool


class SignalsShowSaid(TypedDict, total=False):
    project: str


class SignalsAdoptionSaid(ToldBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool


class SignalsChainSaid(TypedDict, total=False):
    project: str


class SignalsValueSaid(ToldBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool


_LIST = Operation("GET", "/api/signals", ("topic", "group", "limit", "cursor"))

_RECEIVE = Operation("POST", "/api/signals", (), takes_key=True)

_SHOW = Operation("GET", "/api/signals/{signal_id}")

_ADOPTION = Operation("POST", "/api/signals/{signal_id}/adoption", (), takes_key=True)

_CHAIN = Operation("GET", "/api/signals/{signal_id}/chain")

_VALUE = Operation("POST", "/api/signals/{signal_id}/value", (), takes_key=True)


class SignalsGroup(Group):
    """What came from outside to be acted upon."""

    def list(self, **said: Unpack[SignalsListSaid]) -> SignalsListAnswer:
        """List signals, the newest first."""
        return cast("SignalsListAnswer", self._connection.json(_LIST, {}, said))

    def iterate(self, **said: Unpack[SignalsListSaid]) -> Iterator[Signal]:
        """Go through all of them, page by page."""
        return self._connection.pages(_LIST, {}, said, "signals")

    def receive(self, **said: Unpack[SignalsReceiveSaid]) -> SignalsReceiveAnswer:
        """Make a job of a signal."""
        return cast("SignalsReceiveAnswer", self._connection.json(_RECEIVE, {}, said))

    def show(self, signal_id: str, **said: Unpack[SignalsShowSaid]) -> SignalsShowAnswer:
        """Give one signal with its annotations."""
        return cast("SignalsShowAnswer", self._connection.json(_SHOW, {"signal_id": signal_id}, said))

    def adoption(self, signal_id: str, **said: Unpack[SignalsAdoptionSaid]) -> SignalsAdoptionAnswer:
        """Write down that people use what a signal led to."""
        return cast("SignalsAdoptionAnswer", self._connection.json(_ADOPTION, {"signal_id": signal_id}, said))

    def chain(self, signal_id: str, **said: Unpack[SignalsChainSaid]) -> SignalsChainAnswer:
        """Give the links signal, artifact, adoption, reliability, value."""
        return cast("SignalsChainAnswer", self._connection.json(_CHAIN, {"signal_id": signal_id}, said))

    def value(self, signal_id: str, **said: Unpack[SignalsValueSaid]) -> SignalsValueAnswer:
        """Write down what a signal was worth in the end."""
        return cast("SignalsValueAnswer", self._connection.json(_VALUE, {"signal_id": signal_id}, said))
