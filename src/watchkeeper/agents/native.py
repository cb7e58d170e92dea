"""What agents have in common that are a native program with a stream of JSON lines: an adapter tells what differs."""

from __future__ import annotations

import glob
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from watchkeeper.agents.adapter import Launch, Setup, Tally, Turn
from watchkeeper.agents.agent_home import ThreadLocks, agent_home, login_at
from watchkeeper.agents.json_lines import of_cut_line, parsed
from watchkeeper.agents.program import Program
from watchkeeper.agents.reset_times import reset_time
from watchkeeper.agents.verdicts import shortened, table
from watchkeeper.domain.sessions.events import (
    Limited,
    Retrying,
    SessionEvent,
    Stirred,
    Trouble,
    TurnEnded,
    Unknown,
)

NEVER = re.compile(r"(?!)")


class NativeStream(ABC):
    """What an agent's lines mean, for one version; None is the newest.

    `clock` gives the time since 1970: a limit that "resets 3pm" ends at the next one after it was read.
    `cut_opened` and `cut_closed` find the id of a tool call in the head of a line that is too long to be read.
    """

    name: ClassVar[str]
    cut_opened: ClassVar[re.Pattern[str]] = NEVER
    cut_closed: ClassVar[re.Pattern[str]] = NEVER

    def __init__(self, version: str | None = None, clock: Callable[[], float] = time.time) -> None:
        self.table = table(self.name, version)
        self._clock = clock

    def read(self, line: str) -> list[SessionEvent]:
        event = parsed(line)
        if event is None:
            return of_cut_line(line, self.cut_opened, self.cut_closed) or [self.table.between(line)]
        return self.read_event(event)

    @abstractmethod
    def read_event(self, event: dict[str, Any]) -> list[SessionEvent]:
        """Say what one object means; its own words may be of any type."""

    def read_error(self, line: str) -> list[SessionEvent]:
        return self.table.complaint(line)

    def hindered(self, text: str, *codes: object, delay_seconds: float | None = None) -> SessionEvent:
        """Say what a failure means that does not end the turn."""
        trouble = self.table.trouble(text, *codes)
        if trouble is Trouble.USAGE_LIMIT:
            return self._limited(text)
        return Retrying(trouble, shortened(text), delay_seconds)

    def failed(self, text: str, *codes: object) -> list[SessionEvent]:
        """Say what a failure means that ends the turn."""
        trouble = self.table.trouble(text, *codes)
        ended = TurnEnded(ok=False, trouble=trouble, text=shortened(text))
        return [self._limited(text), ended] if trouble is Trouble.USAGE_LIMIT else [ended]

    def other(self, kind: str, named: str | None = None) -> SessionEvent:
        """Say what a kind of line means that tells nothing else; `named` is its name in the table."""
        known = (kind if named is None else named) in self.table.stirs
        return (
            Stirred(shortened(kind))
            if known
            else Unknown(shortened(named or kind) or "a line without a type")
        )

    def _limited(self, text: str) -> Limited:
        return Limited(reset_time(text, self._clock()), shortened(text))


class NativeAgent(ABC):
    """Starts the native program of an agent. Raises UsageError where there is none.

    `home_variable` names the place of its login and conversations, `usual_home` where that lies in a home, `log_in`
    what a person types to log in. `transcripts` is where, below its home, it writes a thread down.
    """

    converses = True
    stream: ClassVar[type[NativeStream]]
    home_variable: ClassVar[str]
    usual_home: ClassVar[str]
    log_in: ClassVar[str]
    transcripts: ClassVar[str | None] = None

    def __init__(self, setup: Setup, clock: Callable[[], float] = time.time) -> None:
        self.setup = setup
        self.home = agent_home(setup, self.name, self.home_variable, self.usual_home)
        self.login = login_at(setup, self.home_variable, self.home, self.log_in)
        self.locks = ThreadLocks(setup, self.name)
        self.program = Program(self.name, setup)
        self._clock = clock
        self._learn()

    @abstractmethod
    def orders(self, turn: Turn) -> Launch:
        """Give the orders for a turn, for the program as it is now."""

    def tried(self) -> None:
        """Try what a program that is new to us must be able to do; raise UsageError where it is not."""
        return

    def tally(self) -> Tally | None:
        return None

    @property
    def name(self) -> str:
        return self.stream.name

    @property
    def version(self) -> str | None:
        return self.program.version

    @property
    def measured(self) -> bool:
        return self._stream.table.measured

    def launch(self, turn: Turn) -> Launch:
        if self.program.is_new():
            self._learn()
        return self.orders(turn)

    def read(self, line: str) -> list[SessionEvent]:
        return self._stream.read(line)

    def read_error(self, line: str) -> list[SessionEvent]:
        return self._stream.read_error(line)

    def transcript(self, turn: Turn, thread: str) -> Path | None:  # noqa: ARG002 - it is found by the thread
        if self.transcripts is None or "/" in thread:
            return None
        return next(self.home.glob(self.transcripts.format(thread=glob.escape(thread))), None)

    def chosen(self, option: re.Pattern[str]) -> bool:
        """Say whether the operator's own arguments decide something already."""
        return any(option.match(argument) for argument in self.setup.arguments)

    def environment(self, **more: str) -> dict[str, str]:
        return {**more, **self.setup.environ, self.home_variable: str(self.home)}

    def _learn(self) -> None:
        """Take up what a program that is new to us says and can do."""
        self._stream = self.stream(self.version, self._clock)
        self.tried()
