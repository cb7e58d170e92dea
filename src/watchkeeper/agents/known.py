"""The agents that are known, in one place: what is not named here cannot be started, and its lines cannot be read."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from watchkeeper.agents import claude, codex, command
from watchkeeper.agents.adapter import Stream
from watchkeeper.domain.errors import UsageError

Clock = Callable[[], float]

_STREAMS: Mapping[str, Callable[[str | None, Clock], Stream]] = {
    codex.NAME: codex.CodexStream,
    claude.NAME: claude.ClaudeStream,
    command.NAME: lambda _version, _clock: command.CommandStream(),
}

AGENTS = tuple(_STREAMS)


def stream(agent: str, version: str | None = None, clock: Clock = time.time) -> Stream:
    """Give what reads an agent's output. Raises UsageError for an agent that nobody knows.

    `version` is the agent's own; one that no table names is read as the nearest. `clock` gives seconds since 1970.
    """
    if agent not in _STREAMS:
        raise UsageError(f"there is no agent {agent!r}; known are {', '.join(AGENTS)}")
    return _STREAMS[agent](version, clock)
