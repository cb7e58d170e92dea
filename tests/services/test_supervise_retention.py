"""A supervisor goes on tidying up after itself, past the faults of one round."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path

import pytest

from watchkeeper.agents import scope
from watchkeeper.agents.command import CommandAgent
from watchkeeper.agents.user import agent_user
from watchkeeper.agents.workspace import Workspaces
from watchkeeper.services.supervision import supervisor as supervisor_module
from watchkeeper.services.supervision.config import SupervisorConfig
from watchkeeper.services.supervision.place import taken_place
from watchkeeper.services.supervision.retention import Retention
from watchkeeper.services.supervision.supervisor import Supervisor


async def test_retention_goes_on_after_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A round that fails as nobody foresaw is not the last, even while the server is away."""
    rounds = 0
    again = threading.Event()

    def broken_once(_self: Retention) -> int:
        nonlocal rounds
        rounds += 1
        if rounds == 1:
            raise LookupError("nobody foresaw this")
        again.set()
        return 0

    monkeypatch.setattr(Retention, "run_once", broken_once)
    monkeypatch.setattr(supervisor_module, "RETENTION_SECONDS", 0.01)
    config = SupervisorConfig(url="http://127.0.0.1:1", token="wkw_token", home=tmp_path)
    stopping, hurrying = asyncio.Event(), asyncio.Event()
    with taken_place(config, "command") as place:
        supervisor = Supervisor(
            config, place, Workspaces(tmp_path, agent_user(None), tmp_path / "system"), CommandAgent()
        )
        running = asyncio.create_task(supervisor.run(stopping, hurrying))
        assert await asyncio.to_thread(again.wait, 10)
        stopping.set()
        await running


def test_old_copies_of_the_contract_cli_are_removed(tmp_path: Path) -> None:
    """An update leaves no copy of the CLI behind for ever; the one in use stays, however old it is."""
    config = SupervisorConfig(url="http://127.0.0.1:1", token="wkw_token", home=tmp_path)
    workspaces = Workspaces(tmp_path, agent_user(None), tmp_path / "system")
    used = workspaces.cli.bin.parent
    others = [workspaces.place / name for name in ("contract-0000", ".contract-broken", "contract-young")]
    for directory in others:
        (directory / "bin").mkdir(parents=True)
    for directory in (used, *others[:2]):
        os.utime(directory, (0, 0))
    Retention(config, workspaces, ()).run_once()
    assert [directory.exists() for directory in (used, *others)] == [True, False, False, True]


def test_empty_directories_of_scopes_are_removed(tmp_path: Path) -> None:
    """A home whose sessions are over leaves no directory in the cgroup tree; one with a session keeps it."""
    (tmp_path / "deadbeef").mkdir()
    (tmp_path / "cafe" / "s-1").mkdir(parents=True)
    assert scope.remove_empty_homes([tmp_path, tmp_path / "absent"]) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["cafe"]
