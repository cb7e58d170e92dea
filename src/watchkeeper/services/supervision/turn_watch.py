"""What is seen of one turn of an agent: its lines read by the adapter, facts from beside it, and what they mean."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, cast

from watchkeeper.agents.adapter import Stream
from watchkeeper.agents.output import Line
from watchkeeper.domain.redaction import Redactor
from watchkeeper.domain.sessions.diagnosis import Diagnosis
from watchkeeper.domain.sessions.events import (
    Began,
    Limited,
    Retrying,
    Said,
    Spent,
    ToolClosed,
    ToolOpened,
    Trouble,
    TurnEnded,
    Unknown,
    Unreadable,
    Waits,
)
from watchkeeper.domain.sessions.facts import ErrorLine, SessionFact
from watchkeeper.domain.sessions.watch import SessionWatch
from watchkeeper.services.supervision.clock import SteadyClock, slept
from watchkeeper.services.supervision.conversation import Conversation
from watchkeeper.services.supervision.seams import SessionLog

MAX_TEXT_CHARS = 4000
MOST_WAITING_FACTS = 10_000
"""Facts from other threads that wait to be taken in; an agent that calls faster loses the oldest."""

MOST_READ_AHEAD = 1000
SHOWN = "shown"
MARK = "\x1e"
BETWEEN = f"\n{MARK}\n"

_TEXTS: dict[type, tuple[str, ...]] = {
    Said: ("text",),
    Retrying: ("text",),
    Limited: ("text",),
    TurnEnded: ("text",),
    Unreadable: ("text",),
    ErrorLine: ("text",),
    Waits: ("reason",),
    Unknown: ("kind",),
    ToolOpened: ("tool", "shown"),
    ToolClosed: ("shown",),
}


class TurnWatch:
    """One turn's watch. `put` may be called from any thread; all else from one thread at a time.

    `keep` is called when the thread became known, before anything else is made of it. `login` is what a person does
    where the login is refused.
    """

    def __init__(
        self,
        stream: Stream,
        conversation: Conversation,
        watch: SessionWatch,
        log: SessionLog,
        redactor: Redactor,
        clock: SteadyClock,
        keep: Callable[[], None],
        login: str = "",
    ) -> None:
        self._stream = stream
        self._conversation = conversation
        self._watch = watch
        self._log = log
        self._redactor = redactor
        self._clock = clock
        self._keep = keep
        self._login = login
        self._read: list[SessionFact] = []
        self._waiting: deque[SessionFact] = deque(maxlen=MOST_WAITING_FACTS)
        self._wakes = False
        self._open: dict[str, None] = {}
        self._said: Diagnosis | None = None
        self.terminal: TurnEnded | None = None
        self.limited_until: float | None = None
        self.last_event_at = clock.now()
        self._behind: float | None = None

    def catch_up(self, written_at: float | None, moved_at: float | None) -> None:
        """Begin with what was written before anybody followed: it counts from then, so that no stall is forgiven.

        Both are Unix time: when output came last, and when something else moved. When the machine slept nobody knows:
        for as long as it ever did, nothing was silent.
        """
        if written_at is not None:
            self._behind = min(self._clock.now(), max(written_at, moved_at or 0.0) + slept())

    @property
    def is_behind(self) -> bool:
        return self._behind is not None

    def caught_up(self) -> None:
        """Take in what was read so far; all that comes counts from when it is read."""
        self._take_read()
        self._behind = None

    def put(self, fact: SessionFact, *, wakes: bool = True) -> None:
        """Take in a fact from beside the stream; one that does not wake waits for the next look."""
        self._waiting.append(fact)
        self._wakes = self._wakes or wakes

    @property
    def has_waiting(self) -> bool:
        return self._wakes

    def line(self, name: str, line: Line) -> None:
        """Take in a line of `stdout` or `stderr`."""
        text = line.text
        if name == "stderr":
            self._read.append(ErrorLine(text[:MAX_TEXT_CHARS]))
            found = self._stream.read_error(text)
        else:
            found = self._stream.read(text)
        self._read += found
        if len(self._read) >= MOST_READ_AHEAD:
            self._take_read()

    def skipped(self) -> None:
        """Take in that output was passed over: which tools were closed in it nobody knows."""
        self._take_read()
        self._read += [ToolClosed(tool, "passed over") for tool in self._open]

    def _take_read(self) -> None:
        """Take in what was read, and before it what was told from beside."""
        read, self._read = self._read, []
        self._wakes = False  # before they are taken: what comes meanwhile wakes again
        while self._waiting:
            read.insert(0, self._waiting.pop())
        if not read:
            return
        at = self._clock.now() if self._behind is None else self._behind
        self.last_event_at = at
        for fact in self._redacted(read):
            self._note(fact)
            self._watch.take(at, fact)
            self._log.take(at, fact)

    def verdict(self) -> Diagnosis:
        """Take in what waits and give what is held of a turn that is over: nothing more will be told of it."""
        self._take_read()
        held = self._watch.verdict(self._clock.now())
        self._tell(held)
        return held

    def look(self, facts: Iterable[SessionFact] = ()) -> Diagnosis:
        """Take in what waits and give what is held of the turn now."""
        self._read += facts
        self._take_read()
        now = self._clock.now()
        held = self._watch.look(now)
        if self._said is None or (held.failure, held.action) != (self._said.failure, self._said.action):
            self._tell(held)
        self._said = held
        return held

    def _tell(self, held: Diagnosis) -> None:
        if held.evidence.get("trouble") == Trouble.AUTH:
            held = replace(held, evidence={**held.evidence, "to_do": self._login})
        self._log.diagnosed(self._clock.now(), held)

    def _note(self, fact: SessionFact) -> None:
        match fact:
            case Began() | Spent():
                if self._conversation.take(fact):
                    self._keep()
            case TurnEnded():
                self.terminal = fact
            case Limited(until=until):
                self.limited_until = until
            case ToolOpened(id=tool):
                self._open[tool] = None
            case ToolClosed(id=tool):
                self._open.pop(tool, None)

    def _redacted(self, facts: list[SessionFact]) -> list[SessionFact]:
        """Take secrets out of the texts of facts: from here on nobody needs to think of them any more.

        All texts are looked through as one, between marks; where a secret swallowed a mark each is on its own.
        What is shown of a tool is cut where it becomes a row.
        """
        named = [(place, name) for place, fact in enumerate(facts) for name in _TEXTS.get(type(fact), ())]
        texts = [getattr(facts[place], name)[: 2 * MAX_TEXT_CHARS].replace(MARK, "") for place, name in named]
        shown = self._redactor.redact(BETWEEN.join(texts)).split(BETWEEN)
        if len(shown) != len(texts):
            shown = [self._redactor.redact(text) for text in texts]
        for (place, name), text in zip(named, shown, strict=True):
            kept, was = text if name == SHOWN else text[:MAX_TEXT_CHARS], getattr(facts[place], name)
            if kept != was:
                noted = {"redacted": self._kinds(was)} if name == SHOWN else {}
                facts[place] = replace(cast("Any", facts[place]), **{name: kept}, **noted)
        return facts

    def _kinds(self, text: str) -> tuple[str, ...]:
        taken: set[str] = set()
        self._redactor.redact(text, taken)
        return tuple(sorted(taken))
