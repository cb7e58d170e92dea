"""The agents that are known: each is a module beside this one and a table of the same name (docs/extend/agent.md)."""

from __future__ import annotations

import time
from importlib import import_module

from watchkeeper.agents import verdicts
from watchkeeper.agents.adapter import Adapter, Agent, Clock, Setup, Stream
from watchkeeper.domain.errors import UsageError


def agents() -> tuple[str, ...]:
    """Name them: what has no table cannot be started, and its lines cannot be read."""
    return tuple(sorted(path.stem for path in verdicts.PLACE.glob("*.toml")))


def adapter(agent: str, setup: Setup, clock: Clock = time.time) -> Adapter:
    """Give what starts an agent's turns and reads its output. Blocks: its program is found and tried.

    Raises UsageError for an agent that nobody knows, and where its program is missing or cannot be started.
    """
    check(agent)
    return _module(agent).adapter(setup, clock)


def stream(agent: str, version: str | None = None, clock: Clock = time.time) -> Stream:
    """Give what reads an agent's output. Raises UsageError for an agent that nobody knows.

    `version` is the agent's own; one that no table names is read as the nearest. `clock` gives seconds since 1970.
    """
    check(agent)
    return _module(agent).stream(version, clock)


def check(agent: str) -> None:
    """Raise UsageError for an agent that nobody knows."""
    if agent not in agents():
        raise UsageError(f"there is no agent {agent!r}; known are {', '.join(agents())}")


def _module(agent: str) -> Agent:
    found: Agent = import_module(f"watchkeeper.agents.{agent}").AGENT
    return found
