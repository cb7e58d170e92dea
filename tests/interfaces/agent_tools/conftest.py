"""A worker's server of the contract's tools: not slow to refuse, and not patient."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from interfaces.agent_tools.names import LIMIT, TOKEN
from interfaces.contract_server import JOB, ContractServer
from watchkeeper.interfaces.mcp.holder import Patience
from watchkeeper.interfaces.mcp.host import ContractHost
from watchkeeper.services.supervision.contract_host import ContractSession


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


@pytest.fixture
def host_of(tmp_path: Path) -> Iterator[Callable[..., ContractHost]]:
    """Start hosts on this test's place; refusals are not slow, patience is short."""
    hosts: list[ContractHost] = []

    def start(url: str, patience: float = 20.0) -> ContractHost:
        host = ContractHost(url, LIMIT, patience=Patience(patience, 0.1), slow_seconds=0.0)
        host.start(tmp_path)
        hosts.append(host)
        return host

    yield start
    for host in hosts:
        host.stop()


@pytest.fixture
def host(contract: ContractServer, host_of: Callable[..., ContractHost], workspace: Path) -> ContractHost:
    host = host_of(contract.url)
    host.register(TOKEN, ContractSession(JOB, workspace))
    return host
