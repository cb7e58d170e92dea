"""Which events are signs of life and of work: a stream also tells of things that go on without the agent."""

from __future__ import annotations

import re

from watchkeeper.domain.sessions.events import SessionEvent, Stirred, Unknown

THINKING = frozenset(
    {
        "reasoning",
        "thinking",
        "redacted_thinking",
        "text",
        "assistant",
        "agent_message",
        "output",
        "stream_event",
    }
)
"""What an agent stirs by that is work of the model, not a heartbeat."""

OF_THE_ACCOUNT = re.compile(r"rate.?limit", re.IGNORECASE)
"""What is left of an account's limits: told in a stall as well."""


def is_life(event: SessionEvent) -> bool:
    """Say whether an event shows that the agent itself lives; how its account stands does not."""
    match event:
        case Stirred():
            return OF_THE_ACCOUNT.search(event.what) is None
        case Unknown():
            return OF_THE_ACCOUNT.search(event.kind) is None
    return True
