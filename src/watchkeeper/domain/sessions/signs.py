"""Which events are signs of life and of work: a stream also tells of things that go on without the agent."""

from __future__ import annotations

import re

from watchkeeper.domain.sessions.events import SessionEvent, Stirred, Unknown, Waits

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

LONG_SLEEP_SECONDS = 60.0
"""After so long a sleep an agent first has to find its connections dead."""

READS_STDIN = re.compile(r"reading .{0,40}stdin", re.IGNORECASE)

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


def reads_stdin(event: SessionEvent) -> bool:
    """Say whether it reads a stdin that was left open: nobody is asked, and it has not begun."""
    return isinstance(event, Waits) and READS_STDIN.search(event.reason) is not None
