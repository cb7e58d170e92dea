"""What people are told and what they answer: alerts, channels, questions to people, chats and their accounts."""

from __future__ import annotations

from watchkeeper.interfaces.console.ground import Family, Page
from watchkeeper.interfaces.console.pages.alerts import channels, chat, outbox, people

FAMILY = Family(
    "alerts",
    pages=(
        Page("/alerts", outbox.alerts),
        Page("/alerts/channels", channels.channels),
        Page("/alerts/people", people.people),
        Page("/settings/chat", chat.links),
        Page("/alerts/{alert}", outbox.alert),
    ),
    acts=(*outbox.ACTS, *channels.ACTS, *people.ACTS, *chat.ACTS),
)
