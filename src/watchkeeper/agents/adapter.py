"""What an agent is to the supervisor: how a turn is started, and what its lines mean.

An adapter does nothing itself: it gives orders, and reads. docs/extend/agent.md tells how to add one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from watchkeeper.agents.user import AgentUser
from watchkeeper.domain.sessions.events import SessionEvent, Spent

Clock = Callable[[], float]


@dataclass(frozen=True)
class Setup:
    """What an operator gave an agent. `path` is the PATH that its sessions get, `place` outlives them.

    `environ` holds the variables to pass on, by name and value; `arguments` are further ones of the agent's program,
    or for a plain command the command itself.
    """

    user: AgentUser
    place: Path
    path: str
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    arguments: Sequence[str] = ()


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
    are what is left of the job's limits. `also_writes` is where it works beside its workspace. `payload` is the
    job's, in which a plain command is named.
    """

    prompt: str
    workspace: Path
    state: Path
    payload: Any = None
    thread: str | None = None
    contract: ContractServer | None = None
    tokens: int | None = None
    cost: float | None = None
    also_writes: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Launch:
    """The orders for a turn. `thread` is set if known before.

    `environment` is added to the workspace's own. `stdin` is a text for the agent to read, in a file of the
    session's; /dev/null without one. `lock` is held by the session's shim; see `SessionSpec.lock`.
    """

    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    stdin: str | None = field(default=None, repr=False)
    thread: str | None = None
    lock: Path | None = None


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


class Tally(Protocol):
    """Counts what a thread has used, by the transcript that its agent writes: known before the turn is over."""

    def take(self, line: bytes) -> Spent | None:
        """Give the use so far, where this line of the transcript raises it."""
        ...


class Adapter(Stream, Protocol):
    """One kind of agent.

    One that `converses` tells events and has a thread to resume: it is watched and healed. A plain command does not.
    `measured` says that its `version` was tried with its table; any other is accepted.
    """

    @property
    def converses(self) -> bool: ...

    @property
    def version(self) -> str | None: ...

    @property
    def measured(self) -> bool: ...

    @property
    def login(self) -> str:
        """What a person does where its provider refuses its login."""
        ...

    def launch(self, turn: Turn) -> Launch:
        """Give the orders for a turn. Raises UsageError where the turn cannot be started as it is."""
        ...

    def transcript(self, turn: Turn, thread: str) -> Path | None:
        """Give the file in which the agent itself writes its conversation down; None where there is none (yet).

        It is the agent's own: whoever opens it follows no link.
        """
        ...

    def tally(self) -> Tally | None:
        """Give a count of use for one transcript, read from its beginning; None where it tells of none."""
        ...


@dataclass(frozen=True)
class Agent:
    """What a module of an agent gives as `AGENT`: what makes its stream for a version, and its adapter for a setup."""

    stream: Callable[[str | None, Clock], Stream]
    adapter: Callable[[Setup, Clock], Adapter]
