"""The agents that are known, in one place: what is not named here cannot be started, and its lines cannot be read."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from watchkeeper.agents import claude, codex, command
from watchkeeper.agents.adapter import Adapter, Setup, Stream
from watchkeeper.domain.errors import UsageError

Clock = Callable[[], float]

_STREAMS: Mapping[str, Callable[[str | None, Clock], Stream]] = {
    codex.NAME: codex.CodexStream,
    claude.NAME: claude.ClaudeStream,
    command.NAME: lambda _version, clock: command.CommandStream(clock),
}

_ADAPTERS: Mapping[str, Callable[[Setup, Clock], Adapter]] = {
    codex.NAME: codex.Codex,
    claude.NAME: claude.Claude,
    command.NAME: lambda setup, clock: command.CommandAgent(setup.arguments, clock),
}

AGENTS = tuple(_ADAPTERS)


def adapter(agent: str, setup: Setup, clock: Clock = time.time) -> Adapter:
    """Give what starts an agent's turns and reads its output. Blocks: its program is found and tried.

    Raises UsageError for an agent that nobody knows, and where its program is missing or cannot be started.
    """
    _check(agent)
    return _ADAPTERS[agent](setup, clock)


def stream(agent: str, version: str | None = None, clock: Clock = time.time) -> Stream:
    """Give what reads an agent's output. Raises UsageError for an agent that nobody knows.

    `version` is the agent's own; one that no table names is read as the nearest. `clock` gives seconds since 1970.
    """
    _check(agent)
    return _STREAMS[agent](version, clock)


def _check(agent: str) -> None:
    if agent not in AGENTS:
        raise UsageError(f"there is no agent {agent!r}; known are {', '.join(AGENTS)}")
