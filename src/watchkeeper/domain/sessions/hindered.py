"""What stands in a session's way: requests that are tried again, a limit, a question to a person."""

from __future__ import annotations

import re
from dataclasses import dataclass

from watchkeeper.domain.sessions.events import Limited, Retrying, Trouble, TurnEnded, Waits

LONG_WAIT_SECONDS = 300.0
"""A retry announced for later than this is no retry but a limit with a time of reset."""

ASKS = re.compile(r"approval|requires_action|input.?required|elicitation|permission.?request", re.IGNORECASE)
"""Events of agents that no table names, whose very name says that a person is asked."""

ASKS_BY_TOOL = re.compile(r"ask_?user|user_?(question|input)", re.IGNORECASE)
"""Tools of agents that put a question to a person."""

AWAITS = re.compile(
    r"\b(waiting|awaiting|waits) (for |on )?(your |user |human |manual |an? )?(approval|input|confirmation|permission)",
    re.IGNORECASE,
)

USED_UP = re.compile(
    r"\b(usage|session|weekly|daily|\w*hour) limit (was |is )?(reached|exceeded|hit)\b|hit your .{0,20}\blimit\b",
    re.IGNORECASE,
)
"""A limit in a text that is no event; what agents tell in events their own tables know."""

FOR_NOW = frozenset({Trouble.RATE_LIMIT, Trouble.OVERLOADED})
"""What a provider refuses by until a time that an agent may know, wait for in silence, and never tell."""


@dataclass(slots=True)
class Retries:
    """A span in which nothing came but retries. `delay`, trouble and text are the last that were told."""

    since: float
    last_at: float = 0.0
    trouble: Trouble = Trouble.OTHER
    text: str = ""
    count: int = 0
    delay: float = 0.0


@dataclass(slots=True)
class Hindered:
    """What hinders it now; each is None where nothing of the kind does."""

    retries: Retries | None = None
    limited: tuple[float, Limited] | None = None
    waits: tuple[float, Waits] | None = None

    @property
    def refusal(self) -> Retries | None:
        """Give the retries where the last said that the provider refuses for now."""
        return self.retries if self.retries is not None and self.retries.trouble in FOR_NOW else None

    def take(self, at: float, event: Retrying | Limited | Waits) -> None:
        match event:
            case Retrying():
                self._retry(at, event)
            case Limited():
                self.limited = (at, event)
            case Waits():
                self.waits = (at, event)

    def take_end(self, at: float, ended: TurnEnded) -> None:
        """Take in the end of a turn: it ends the question, a good one the retries too."""
        self.waits = None
        if ended.ok:
            self.retries = None
        elif ended.trouble is Trouble.USAGE_LIMIT and self.limited is None:
            self.limited = (at, Limited(None, ended.text))

    def take_text(self, at: float, text: str) -> None:
        """Take in a text that is no event."""
        if AWAITS.search(text):
            self.waits = (at, Waits(text[:300]))
        if self.limited is None and USED_UP.search(text):
            self.limited = (at, Limited(None, text[:300]))

    def take_tool(self, at: float, tool: str) -> None:
        if ASKS_BY_TOOL.search(tool):
            self.waits = (at, Waits(tool))

    def take_unknown(self, at: float, kind: str) -> None:
        if ASKS.search(kind):
            self.waits = (at, Waits(kind))

    def ease(self, *, ends_limit: bool) -> None:
        """It does what it is for: that ends retries and questions, and a limit if it is more than a thought."""
        self.retries = self.waits = None
        if ends_limit:
            self.limited = None

    def _retry(self, at: float, retrying: Retrying) -> None:
        delay = retrying.delay_seconds or 0.0
        if delay > LONG_WAIT_SECONDS and retrying.trouble in (Trouble.RATE_LIMIT, Trouble.USAGE_LIMIT):
            self.limited = (at, Limited(at + delay, retrying.text))
        span = self.retries if self.retries is not None else Retries(at)
        span.last_at, span.delay, span.trouble = at, delay, retrying.trouble
        span.text = retrying.text or span.text
        span.count += 1
        self.retries = span
