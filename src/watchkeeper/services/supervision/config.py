"""What a supervisor is told, checked once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from watchkeeper.agents.scope import NO_LIMITS, Limits
from watchkeeper.agents.workspace import SYSTEM_PLACE
from watchkeeper.domain.errors import SettingError
from watchkeeper.domain.sessions.limits import SessionLimits

HOW_TO_GET_ONE = "An owner makes one with 'watchkeeper token create --role worker --project NAME'."
KILL_SECONDS = 10.0
"""How long a session's sweep goes on killing what does not die."""

MOST_GATE_ROUNDS = 20


@dataclass(frozen=True, kw_only=True)
class SessionConfig:
    """How a worker's sessions are run, whoever hands its jobs out. Times are in seconds, sizes in bytes.

    `agent_environ` are variables that agents get, by name and value; `repositories` are the clones that jobs may name.
    `agent_url` is where agents find our server, if not where the worker does. `grace_seconds`: from an agent's SIGTERM
    to its SIGKILL. `max_gate_rounds`: how often an agent is given the failed checks as a further turn before its
    completion is decided. `sample_seconds`: how often a session's processes and transcript are looked at.
    `probe_seconds`: how long an agent whose provider cannot be reached is left alone before it is begun again, doubled
    each time. Raises SettingError for what cannot be.
    """

    home: Path
    repositories: Sequence[Path] = ()
    agent_environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    agent_url: str | None = None
    grace_seconds: float = 10.0
    max_gate_rounds: int = 3
    output_limit_bytes: int = 1024 * 1024 * 1024
    workspace_limit_bytes: int = 50 * 1024 * 1024 * 1024
    session_limits: SessionLimits = field(default_factory=SessionLimits)
    probe_seconds: float = 60.0
    sample_seconds: float = 10.0
    limits: Limits = NO_LIMITS
    shared_daemons: Sequence[str] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.max_gate_rounds <= MOST_GATE_ROUNDS:
            raise SettingError(
                f"max_gate_rounds is {self.max_gate_rounds}; it is from 0 to {MOST_GATE_ROUNDS}"
            )
        self._demand("0 or more", lambda value: value >= 0, "grace_seconds")
        self._demand(
            "more than 0",
            lambda value: value > 0,
            "output_limit_bytes",
            "workspace_limit_bytes",
            "probe_seconds",
            "sample_seconds",
        )

    @property
    def server_for_agents(self) -> str | None:
        """Give where agents find the server whose job they hold; None where they are given none."""
        return self.agent_url

    @property
    def own_secrets(self) -> Sequence[str]:
        """Give the secrets of the worker itself."""
        return ()

    def _demand(self, wanted: str, holds: Callable[[float], bool], *names: str) -> None:
        for name in names:
            if not holds(value := getattr(self, name)):
                raise SettingError(f"{name} is {value}; it is {wanted}")


@dataclass(frozen=True, kw_only=True)
class SupervisorConfig(SessionConfig):
    """One `work --agent`. Times are in seconds, sizes in bytes.

    `arguments` are further ones of the agent's program, or the command for jobs whose payload names none.
    `worker_id` None makes one of this machine and home; the second process on one home gets a number behind it.
    `shutdown_grace_seconds`: how long running sessions may go on after the first SIGTERM before they are handed back.
    Of ended attempts the last `keep_attempts` are kept, none longer than `keep_hours`.
    Raises SettingError for what cannot be.
    """

    url: str
    token: str = field(repr=False)
    agent: str = "command"
    arguments: Sequence[str] = ()
    slots: int = 2
    kinds: Sequence[str] | None = None
    worker_id: str | None = None
    role: str | None = None
    pool: str = "default"
    persona: str | None = None
    agent_user: str | None = None
    shutdown_grace_seconds: float = 5.0
    wait_seconds: float = 30.0
    disk_full_percent: float = 95.0
    keep_attempts: int = 100
    keep_hours: float = 24.0
    artifact_limit_bytes: int = 256 * 1024 * 1024
    system_place: Path = SYSTEM_PLACE

    def __post_init__(self) -> None:
        super().__post_init__()
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise SettingError(f"the server's url is {self.url!r}; it looks like http://127.0.0.1:8470")
        if not self.token.strip() or not self.token.isascii():
            raise SettingError("the worker's token is empty or no token", hint=HOW_TO_GET_ONE)
        if not 1 <= self.slots <= 1000:
            raise SettingError(f"slots is {self.slots}; it is from 1 to 1000")
        self._demand(
            "0 or more", lambda value: value >= 0, "shutdown_grace_seconds", "wait_seconds", "keep_attempts"
        )
        self._demand("more than 0", lambda value: value > 0, "artifact_limit_bytes", "keep_hours")
        if not 0 < self.disk_full_percent <= 100:
            raise SettingError(f"disk_full_percent is {self.disk_full_percent}; it is above 0, at most 100")

    @property
    def server_for_agents(self) -> str:
        return self.agent_url or self.url

    @property
    def own_secrets(self) -> Sequence[str]:
        return (self.token,)

    @property
    def stop_seconds(self) -> float:
        """Give how long a stop may take at most, from the first SIGTERM: what a parent has to wait."""
        return self.shutdown_grace_seconds + 2 * self.grace_seconds + KILL_SECONDS + 15.0
