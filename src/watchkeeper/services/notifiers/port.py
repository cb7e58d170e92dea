"""What a channel is: it takes one message, and gives the receipt of the other side or says how it failed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Address:
    """Where a channel leads to: `address` and `signing` are secrets, and empty where a channel needs none."""

    project_id: str
    name: str
    address: str = ""
    signing: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """What people are told. `id` is the same for every attempt; `incidents` are all that it stands for."""

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


class NotDelivered(Exception):
    """The other side did not take a message. `is_permanent`: it will not take the next one either."""

    def __init__(self, detail: str, *, is_permanent: bool) -> None:
        super().__init__(detail)
        self.detail = detail
        self.is_permanent = is_permanent


class Notifier(Protocol):
    """Sends messages of one kind of channel."""

    async def send(self, to: Address, message: Message) -> Mapping[str, Any]:
        """Send, and give the receipt; raise NotDelivered. A message may come twice, under the same id."""
        ...
