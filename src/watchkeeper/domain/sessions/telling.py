"""What of a session is worth a row: thousands of lines a second become a few rows, and the rest are counted.

Told at once: turns, tools, messages, limits, waits, contract calls, ends, diagnoses. What repeats (retries, samples, an
agent that stirs) is told once, and then at most once in `SPAN_SECONDS`, with its count. Above all stands a budget: what
an agent does faster is counted as left out, and the record says so.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

from watchkeeper.domain.sessions.diagnosis import Diagnosis
from watchkeeper.domain.sessions.events import (
    Limited,
    Retrying,
    Said,
    Spent,
    Stirred,
    ToolClosed,
    ToolOpened,
    TurnBegan,
    TurnEnded,
    Unknown,
    Unreadable,
)
from watchkeeper.domain.sessions.facts import (
    ErrorLine,
    LeaseChanged,
    ProcessSample,
    SessionFact,
    TranscriptGrew,
    WorkspaceChanged,
)
from watchkeeper.domain.sessions.rows import OF_THE_STREAM, FactRow, row_of

SPAN_SECONDS = 30.0
BURST_ROWS = 200.0
ROWS_PER_SECOND = 10.0
MOST_ROWS = 1_000
"""So many rows wait for the server; while it is away the oldest give way."""

MOST_UNKNOWN_KINDS = 50
REPEATING = (
    Stirred,
    Retrying,
    Spent,
    Unknown,
    Unreadable,
    ErrorLine,
    TranscriptGrew,
    ProcessSample,
    WorkspaceChanged,
)


@dataclass(slots=True)
class ToldRow:
    """A row with the time at which its fact was seen, as Unix time, and how far its turn's stream was read then."""

    at: float
    row: FactRow
    turn: int = 0
    ordinal: int = 0


@dataclass(slots=True)
class _Repeat:
    told_at: float
    count: int = 0
    last: SessionFact | None = None
    last_at: float = 0.0


@dataclass
class Telling:
    """The rows of one session, and how it stands. Not safe for several threads: who uses it locks."""

    rows: deque[ToldRow] = field(default_factory=deque)
    dropped: int = 0
    turns: int = 0
    tokens: int | None = None
    cost: float | None = None
    unknown: Counter[str] = field(default_factory=Counter)
    last_event_at: float | None = None
    turn: int = 0
    _ordinal: int = 0
    _skip_until: int = 0
    _budget: float = BURST_ROWS
    _budget_at: float | None = None
    _repeats: dict[str, _Repeat] = field(default_factory=dict)
    _open: dict[str, tuple[str, float]] = field(default_factory=dict)
    _retrying_since: float | None = None
    _parked_until: float | None = None
    _said: str | None = None

    def begin_turn(self, turn: int, told_until: int = 0) -> None:
        """Take in which turn is followed; of one that is read again the first `told_until` events were told before."""
        if turn != self.turn:
            self.turn, self._ordinal, self._skip_until = turn, 0, told_until

    def forget_told(self, turn: int, ordinal: int) -> None:
        """Take in that the stream of a turn was told so far after all: rows of it that wait are not told again."""
        if turn == self.turn:
            self._skip_until = max(self._skip_until, ordinal)
        self.rows = deque(
            one
            for one in self.rows
            if one.row.source != OF_THE_STREAM or (one.turn, one.ordinal) > (turn, ordinal)
        )

    def take(self, at: float, fact: SessionFact) -> None:
        """Take in a fact that was seen at `at`."""
        self._note(at, fact)
        if is_of_the_stream(fact):
            self._ordinal += 1
            if self._ordinal <= self._skip_until:
                return
        if isinstance(fact, Said) and fact.text == self._said:
            return  # a stream that was dropped repeats what it said
        if isinstance(fact, Said):
            self._said = fact.text
        if isinstance(fact, REPEATING) or (isinstance(fact, LeaseChanged) and fact.change == "renewed"):
            self._take_repeating(at, fact)
        else:
            self._tell(at, row_of(fact))

    def diagnosed(self, at: float, diagnosis: Diagnosis) -> None:
        said = {
            "failure": diagnosis.failure,
            "action": diagnosis.action,
            "because": diagnosis.because,
            "evidence": diagnosis.evidence,
        }
        self._parked_until = diagnosis.until
        self._tell(at, FactRow("watch", "diagnosis", said), always=True)

    def settle(self, now: float, *, everything: bool = False) -> None:
        """Tell the counts of what repeated and whose time has come; `everything` at the end."""
        for repeat in self._repeats.values():
            if repeat.last is not None and (everything or now - repeat.told_at >= SPAN_SECONDS):
                self._tell_repeat(repeat)

    def standing(self, now: float) -> dict[str, Any]:
        """Say how the session stands, in seconds before `now`."""
        last = self.last_event_at
        tool = next(iter(self._open.values()), None)
        said: dict[str, Any] = {} if last is None else {"silent_s": max(0.0, now - last)}
        if tool is not None:
            oldest = min(since for _, since in self._open.values())
            said |= {
                "open_tools": len(self._open),
                "tool": tool[0][:100],
                "tool_open_s": max(0.0, now - oldest),
            }
        if self._retrying_since is not None:
            said["retrying_s"] = max(0.0, now - self._retrying_since)
        if self._parked_until is not None:
            said["park_left_s"] = max(0.0, self._parked_until - now)
        return said

    def _note(self, at: float, fact: SessionFact) -> None:
        if is_of_the_stream(fact):
            self.last_event_at = at
            if not isinstance(fact, Retrying):
                self._retrying_since = None
        match fact:
            case TurnBegan():
                self.turns += 1
                self._open.clear()
            case TurnEnded():
                self._open.clear()
            case ToolOpened():
                self._open[fact.id] = (fact.tool, at)
            case ToolClosed():
                self._open.pop(fact.id, None)
            case Retrying() if self._retrying_since is None:
                self._retrying_since = at
            case Limited():
                self._parked_until = fact.until
            case Spent():
                self.tokens = max(self.tokens or 0, fact.tokens)
                self.cost = fact.cost if self.cost is None or fact.cost is None else max(self.cost, fact.cost)
            case Unknown() if fact.kind in self.unknown or len(self.unknown) < MOST_UNKNOWN_KINDS:
                self.unknown[fact.kind] += 1

    def _take_repeating(self, at: float, fact: SessionFact) -> None:
        name = type(fact).__name__
        repeat = self._repeats.get(name)
        if repeat is None:
            self._repeats[name] = _Repeat(at)
            self._tell(at, row_of(fact))
            return
        repeat.count, repeat.last, repeat.last_at = repeat.count + 1, fact, at
        if at - repeat.told_at >= SPAN_SECONDS:
            self._tell_repeat(repeat)

    def _tell_repeat(self, repeat: _Repeat) -> None:
        if repeat.last is None:
            return
        row = row_of(repeat.last)
        counted = row.fields if repeat.count == 1 else {**row.fields, "count": repeat.count}
        self._tell(repeat.last_at, FactRow(row.source, row.event, counted))
        repeat.told_at, repeat.count, repeat.last = repeat.last_at, 0, None

    def _tell(self, at: float, row: FactRow, *, always: bool = False) -> None:
        if not (self._may_tell(at) or always):
            self.dropped += 1
            return
        if len(self.rows) >= MOST_ROWS:
            self.rows.popleft()
            self.dropped += 1
        self.rows.append(ToldRow(at, row, self.turn, self._ordinal))

    def _may_tell(self, at: float) -> bool:
        since = 0.0 if self._budget_at is None else max(0.0, at - self._budget_at)
        self._budget_at = at
        self._budget = min(BURST_ROWS, self._budget + since * ROWS_PER_SECOND)
        if self._budget < 1:
            return False
        self._budget -= 1
        return True


def is_of_the_stream(fact: SessionFact) -> bool:
    """Say whether the agent itself said it: what is seen from beside is no sign of life of its stream."""
    return type(fact).__module__ == Said.__module__
