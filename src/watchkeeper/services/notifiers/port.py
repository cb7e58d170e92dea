"""What a channel is: it takes one message, and gives the receipt of the other side or says how it failed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, runtime_checkable
from uuid import UUID

from watchkeeper.domain.alert_moments import Moment
from watchkeeper.domain.messages import MessageLanguage

MAX_TOKEN_CHARS = 64
"""Telegram's callback data is the shortest place for a button's token (1 to 64 bytes)."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a channel leads to. `secrets` and `address` (a webhook's) are none of anybody else's business.

    `signing` is the key that a webhook's messages are signed with.
    """

    project_id: str
    name: str
    address: str = field(default="", repr=False)
    signing: str = field(default="", repr=False)
    settings: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Button:
    """What can be pressed under a message: a page that opens, or an opaque token that comes back to us.

    `style` is `primary` or `danger` where the channel knows such.
    """

    labels: Mapping[MessageLanguage, str]
    url: str | None = None
    token: str | None = field(default=None, repr=False)
    style: str | None = None

    def label(self, language: MessageLanguage) -> str:
        return self.labels.get(language) or self.labels[MessageLanguage.EN]


@dataclass(frozen=True, slots=True)
class Earlier:
    """The first message about the same incident on the same channel: its id, and the receipt that came for it."""

    id: UUID
    receipt: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """What people are told. `id` is the same for every attempt; `incidents` are all that it stands for.

    `text` is the plain sentence. `title` and `lines` are what a person reads, in `language`: a notifier puts them into
    the marks of its channel. `earlier`: it goes on with that story. `thread` is the same for all of one story.
    """

    id: UUID
    project_id: str
    severity: str
    text: str
    recipient: str
    stage: int
    at: datetime
    subject: str | None = None
    rule: str | None = None
    runbook: str | None = None
    incidents: tuple[UUID, ...] = ()
    moment: Moment = Moment.NOTICE
    language: MessageLanguage = MessageLanguage.EN
    title: str = ""
    lines: tuple[str, ...] = ()
    link: str | None = None
    buttons: tuple[Button, ...] = ()
    earlier: Earlier | None = None
    thread: str | None = None

    @property
    def heading(self) -> str:
        return self.title or self.subject or self.text

    @property
    def body(self) -> tuple[str, ...]:
        return self.lines if self.title else (self.text,)


class NotDelivered(Exception):
    """The other side did not take a message. `is_permanent`: it will not take the next one either.

    `is_hopeless`: it will never take this one. `retry_after`: in so many seconds it takes messages again.
    """

    def __init__(
        self,
        detail: str,
        *,
        is_permanent: bool = False,
        is_hopeless: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.is_permanent = is_permanent
        self.is_hopeless = is_hopeless
        self.retry_after = retry_after


class Notifier(Protocol):
    """Sends messages of one kind of channel."""

    async def send(self, to: Address, message: Message) -> Mapping[str, Any]:
        """Send, and give the receipt; raise NotDelivered. A message may come twice, under the same id.

        `moved_to` in a receipt are settings that hold from now on, since the other side said so.
        """
        ...


@runtime_checkable
class Editor(Protocol):
    """A notifier whose messages can be changed after they were sent."""

    async def edit(self, to: Address, receipt: Mapping[str, Any], message: Message) -> None:
        """Let a message that was sent say something else; raise NotDelivered."""
        ...


@runtime_checkable
class Checked(Protocol):
    """A notifier that can be tried without a message."""

    async def check(self, to: Address, message: Message) -> str:
        """Ask the other side whether it would take this message, and say what it answered; raise NotDelivered."""
        ...


@dataclass(frozen=True, slots=True)
class Quota:
    """How many messages a channel may carry in this month, and how many it has."""

    limit: int
    used: int

    @property
    def share(self) -> float:
        return self.used / self.limit if self.limit else 1.0


@runtime_checkable
class Metered(Protocol):
    """A notifier whose channel may carry so many messages and no more."""

    async def quota(self, to: Address) -> Quota | None:
        """Ask how much is left; None where nothing bounds it. Raises NotDelivered."""
        ...


class ButtonMaker(Protocol):
    """Gives a message its buttons; whoever acts on their tokens makes them."""

    async def buttons_for(self, to: Address, kind: str, message: Message) -> tuple[Button, ...]: ...
