"""The adapter for a plain command: which command a job means, and what its end says about the attempt."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from watchkeeper.agents.adapter import Agent, Launch, Turn
from watchkeeper.agents.reset_times import reset_time
from watchkeeper.agents.session import End, EndReason
from watchkeeper.agents.verdicts import shortened, table
from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.jobs import AttemptCause
from watchkeeper.domain.sessions.events import Limited, SessionEvent, Stirred, Trouble, Waits

NAME = "command"
SHELL = "/bin/sh"


class CommandStream:
    """What a plain command's output means: that it is at work, asks, or has met a limit; its exit code tells the rest.

    `clock` gives the time since 1970, from which a limit's "in 2 hours" counts.
    """

    name = NAME

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.table = table(NAME)
        self._clock = clock

    def read(self, line: str) -> list[SessionEvent]:
        if not line:
            return []
        if isinstance(asked := self.table.between(line), Waits):
            return [asked]
        if self.table.trouble(line) is Trouble.USAGE_LIMIT:
            return [Limited(reset_time(line, self._clock()), shortened(line))]
        return [Stirred("output")]

    read_error = read


class CommandAgent(CommandStream):
    """A plain command for each job; `default` is run where the payload names none."""

    converses = False
    version: str | None = None
    measured = True

    def __init__(self, default: Sequence[str] = (), clock: Callable[[], float] = time.time) -> None:
        super().__init__(clock)
        self._default = tuple(default)

    def launch(self, turn: Turn) -> Launch:
        return Launch(command_of(turn.payload, self._default))

    @property
    def login(self) -> str:
        return "renew the command's own credentials"

    def transcript(self, turn: Turn, thread: str) -> Path | None:  # noqa: ARG002 - it keeps none
        return None

    def tally(self) -> None:
        return None


class Claim(StrEnum):
    """What a session's end claims; success is a claim that the gate still has to believe."""

    SUCCESS = "success"
    FAILURE = "failure"
    INTERRUPTED = "interrupted"
    LOST = "lost"


@dataclass(frozen=True)
class Verdict:
    """`cause` is None for a success and for an interruption, whose meaning is known to who asked for it."""

    claim: Claim
    cause: AttemptCause | None
    reason: str


def command_of(payload: Any, default: Sequence[str] = ()) -> list[str]:
    """Give the command of a job: the payload's `command` (a list, or a text for the shell), else the default.

    Raises UsageError when there is none, or one that cannot be started.
    """
    given = payload.get("command") if isinstance(payload, dict) else None
    if isinstance(given, str) and given.strip():
        command = [SHELL, "-c", given]
    elif isinstance(given, list) and given and all(isinstance(part, str) for part in given) and given[0]:
        command = list(given)
    elif given is None and default:
        command = list(default)
    else:
        shown = "is missing" if given is None else "is neither a text nor a list of texts"
        raise UsageError(
            f"the job's payload.command {shown}",
            hint="Give payload.command, or start the worker with `-- COMMAND ARGS`.",
        )
    if any("\0" in part for part in command):
        raise UsageError("the job's payload.command holds a NUL character, which no command can")
    return command


def judge(end: End | None, stderr_tail: str = "") -> Verdict:
    """Say what a command's end means; None is a session whose shim died without a word."""
    if end is None:
        text = "the session's processes died without a record of their end"
        return Verdict(Claim.LOST, AttemptCause.INFRASTRUCTURE, text)
    match end.reason:
        case EndReason.INTERRUPTED:
            return Verdict(Claim.INTERRUPTED, None, end.request or "interrupted by a signal to its shim")
        case EndReason.NOT_STARTED:
            return _failure(f"could not be started: {end.error}", "")
        case EndReason.SHIM_FAILED:
            return Verdict(Claim.LOST, AttemptCause.INFRASTRUCTURE, f"the session failed: {end.error}")
        case EndReason.HARD_CAP:
            return _failure(f"was ended at its hard cap after {end.wall_seconds:.0f} s", stderr_tail)
        case EndReason.OUTPUT_LIMIT:
            return _failure("was ended for writing more output than allowed", stderr_tail)
        case EndReason.EXITED:
            return _exited(end, stderr_tail)


def _exited(end: End, stderr_tail: str) -> Verdict:
    if end.exit_code == 0:
        return Verdict(Claim.SUCCESS, None, "exit code 0")
    memory = ", after the kernel killed for memory" if end.oom_kills else ""
    how = f"signal {end.signal}" if end.signal is not None else f"exit code {end.exit_code}"
    return _failure(f"ended with {how}{memory}", stderr_tail)


def _failure(text: str, stderr_tail: str) -> Verdict:
    said = f"; stderr ends with:\n{stderr_tail}" if stderr_tail else ""
    return Verdict(Claim.FAILURE, AttemptCause.AGENT_ERROR, f"the command {text}{said}")


AGENT = Agent(
    lambda _version, clock: CommandStream(clock), lambda setup, clock: CommandAgent(setup.arguments, clock)
)
