"""Chats as a way in: doors, linked accounts, and what comes of texts and buttons."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from watchkeeper.app.core import Core
from watchkeeper.domain.policies import Policy
from watchkeeper.services.alert_reading import Alerts
from watchkeeper.services.chat.addresses import ChannelAddresses
from watchkeeper.services.chat.answering import AddressOf, ChatAnswering
from watchkeeper.services.chat.doors import ChatDoors
from watchkeeper.services.chat.handling import ChatHandling
from watchkeeper.services.chat.links import ChatLinks
from watchkeeper.services.chat.pressing import Pressing
from watchkeeper.services.chat.receiving import ChatReceiving
from watchkeeper.services.fetch_settings import fetch_config
from watchkeeper.services.incidents import Incidents
from watchkeeper.services.outward import Outward
from watchkeeper.services.people import People
from watchkeeper.services.repairs.desk import Repairs


@dataclass(frozen=True, slots=True)
class ChatParts:
    """The services of chats, for one database."""

    doors: ChatDoors
    links: ChatLinks
    receiving: ChatReceiving
    handling: ChatHandling


def chat_parts(
    core: Core,
    policy: Callable[[], Policy],
    *,
    alerts: Alerts,
    incidents: Incidents,
    repairs: Repairs,
    people: People,
    address_of: AddressOf | None = None,
) -> ChatParts:
    """Put them together; `address_of` gives what a channel needs to send (else it is read)."""
    database, redactor = core.database, core.redactor
    links = ChatLinks(database, redactor)
    addresses = address_of or ChannelAddresses(database, redactor).of
    answering = ChatAnswering(Outward(fetch_config(core.settings)), addresses)
    pressing = Pressing(alerts, incidents, repairs, policy)
    return ChatParts(
        ChatDoors(database, redactor),
        links,
        ChatReceiving(database, redactor),
        ChatHandling(database, redactor, links, pressing, people, answering),
    )
