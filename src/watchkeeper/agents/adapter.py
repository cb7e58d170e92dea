"""What an agent is to the supervisor: how a turn is started, and what its lines mean.

An adapter does nothing itself: it gives orders, and reads. docs/extend/agent.md tells how to add one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from watchkeeper.domain.sessions.events import SessionEvent


@dataclass(frozen=True)
class ContractServer:
    """Where the agent finds the contract's MCP server: streamable HTTP, the job token as bearer.

    `token_variable` names the variable of the agent's environment that holds the token.
    """

    url: str
    token_variable: str


@dataclass(frozen=True)
class Turn:
    """One turn to start. `thread` resumes that conversation; without one a new one is begun.

    `state` is a directory of the agent's own that outlives the attempt's turns; `tokens` and `cost` (US dollars)
    are what is left of the job's limits.
    """

    prompt: str
    workspace: Path
    state: Path
    thread: str | None = None
    contract: ContractServer | None = None
    tokens: int | None = None
    cost: float | None = None
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Launch:
    """The orders for a turn. `files` are written into the agent's state, 0600; `thread` is set if known before."""

    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    files: Mapping[str, str] = field(default_factory=dict, repr=False)
    thread: str | None = None


class Stream(Protocol):
    """What an agent's output means."""

    @property
    def name(self) -> str: ...

    def read(self, line: str) -> list[SessionEvent]:
        """Say what one line of stdout means; a line that nobody knows is Unknown or Unreadable, never an error."""
        ...

    def read_error(self, line: str) -> list[SessionEvent]:
        """Say what one line of stderr means: nothing as a rule, the end of a turn, or a question to a person."""
        ...


class Adapter(Stream, Protocol):
    """One kind of agent."""

    def launch(self, turn: Turn) -> Launch:
        """Give the orders for a turn. Raises UsageError where the turn cannot be started as it is."""
        ...

    def transcript(self, turn: Turn, thread: str) -> Path | None:
        """Give the file in which the agent itself writes its conversation down; None where it keeps none."""
        ...
