"""Which agent does the work of heartbeats, found and tried, with the contract's tools served to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from watchkeeper.agents.adapter import Adapter, Setup
from watchkeeper.agents.known import adapter
from watchkeeper.agents.user import SYSTEM_PATH
from watchkeeper.agents.workspace import Workspaces
from watchkeeper.services.relay.told_sessions import ToldSessions
from watchkeeper.services.supervision.config import SessionConfig
from watchkeeper.services.supervision.contract_host import ContractHost


@dataclass(frozen=True, kw_only=True)
class AgentOrder:
    """Which agent does the work, and how its sessions are run. `arguments` are further ones of its program.

    `host`, not started, serves it the contract's tools.
    """

    name: str
    host: ContractHost
    sessions: SessionConfig
    path: str = SYSTEM_PATH
    arguments: Sequence[str] = ()
    adapter_of: Callable[[str, Setup], Adapter] = adapter


@dataclass(frozen=True)
class ServedAgent:
    """An agent that was found and tried, and whose tools are served."""

    order: AgentOrder
    adapter: Adapter
    workspaces: Workspaces
    told: ToldSessions


@contextmanager
def served(
    order: AgentOrder | None, place: Path, workspaces: Workspaces, told: ToldSessions
) -> Iterator[ServedAgent | None]:
    """Serve an agent its tools; None for none. Blocks a while. Raises UsageError where it cannot be started."""
    if order is None:
        yield None
        return
    path = workspaces.user.reachable(order.path)
    environ = order.sessions.agent_environ
    setup = Setup(workspaces.user, workspaces.open_place(), path, environ, order.arguments)
    made = order.adapter_of(order.name, setup)
    order.host.start(place)
    try:
        yield ServedAgent(order, made, workspaces, told)
    finally:
        order.host.stop()
