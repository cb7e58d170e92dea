"""The tool calls of a session: which are open, which repeat each other, and how the last one went."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

from watchkeeper.domain.sessions.events import ToolClosed, ToolOpened

MOST_KEPT = 64
MOST_OPEN = 1_000
MOST_DISTINCT = 6
"""A loop goes round so many different calls at most: one, two in turn (ping-pong), or a small round."""


TELLS = frozenset({"progress"})
"""Calls of the contract that say that one is there; to say so again and again is no loop by itself."""


class Call(NamedTuple):
    call: str
    result: str
    failed: bool


class Open(NamedTuple):
    at: float
    tool: str
    call: str
    contract: str | None


@dataclass(slots=True)
class ToolsSeen:
    """What is known of the calls; bounded, however long a session is. `unchecked`: one failed, then only writing."""

    open: dict[str, Open] = field(default_factory=dict)
    recent: deque[Call] = field(default_factory=lambda: deque(maxlen=MOST_KEPT))
    closed: int = 0
    succeeded: int = 0
    last_failed: bool = False
    unchecked: bool = False
    last_closed_at: float | None = None
    words: str = ""
    words_again: int = 0

    def take_opened(self, at: float, opened: ToolOpened) -> None:
        if len(self.open) < MOST_OPEN:
            self.open[opened.id] = Open(at, opened.tool, opened.call, opened.contract)

    def take_closed(self, at: float, closed: ToolClosed) -> Open | None:
        """Take in the end of a call; give what it was, if its beginning was seen."""
        opened = self.open.pop(closed.id, None)
        self.last_closed_at = at
        self.words, self.words_again = "", 0
        if opened is not None and opened.contract is not None:
            if opened.contract not in TELLS:
                self.recent.append(Call(opened.call, closed.result, closed.failed))
            return opened
        self.closed += 1
        self.succeeded += not closed.failed
        self.last_failed = closed.failed
        # To write is not to look again: what failed before stays unchecked.
        self.unchecked = closed.failed or (closed.wrote and self.unchecked)
        if opened is not None:
            self.recent.append(Call(opened.call, closed.result, closed.failed))
        return opened

    def take_words(self, text: str) -> None:
        """Count the same words again and again with no call between them."""
        self.words_again = self.words_again + 1 if text == self.words and text else 1
        self.words = text

    def forget_repeats(self) -> None:
        """The job moved: what was repeated before was no loop."""
        self.recent.clear()
        self.words, self.words_again = "", 0

    def repeated(self) -> int:
        """Count the same call with the same result, in the newest stretch that goes round in a small circle."""
        return _most([(one.call, one.result) for one in self.recent])

    def repeated_call(self) -> int:
        """Count the same call, whatever it gave."""
        return _most([(one.call, "") for one in self.recent])

    def failed_in_a_row(self) -> int:
        count = 0
        for one in reversed(self.recent):
            if not one.failed:
                break
            count += 1
        return count


def _most(calls: list[tuple[str, str]]) -> int:
    counts: dict[tuple[str, str], int] = {}
    for one in reversed(calls):
        if one not in counts and len(counts) == MOST_DISTINCT:
            break
        counts[one] = counts.get(one, 0) + 1
    return max(counts.values(), default=0)
