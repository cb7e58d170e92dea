"""Sessions for tests: short graces, a place that the agent's user can enter, and nothing left behind."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agents.living import PATH, Run, living, remove_scopes
from agents.real_play import Stage
from stubmodel.server import StubModel
from watchkeeper.agents import scope
from watchkeeper.agents.session import Session, SessionSpec
from watchkeeper.agents.user import AgentUser, agent_user
from watchkeeper.host.processes import ProcReader
from watchkeeper.host.signals import send


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that every user can enter; pytest's own are for their owner only."""
    directory = Path(tempfile.mkdtemp(prefix="wk-")).resolve()
    directory.chmod(0o755)
    yield directory
    remove_scopes(directory)
    shutil.rmtree(directory)


@pytest.fixture
def user() -> AgentUser:
    return agent_user(None)


@pytest.fixture
def with_scope(place: Path) -> None:
    made, _ = scope.make(place, "probe")
    if made is None:
        pytest.skip("no cgroup v2 scope can be made here")
    made.remove()


@pytest.fixture
def work(place: Path, user: AgentUser) -> Path:
    directory = place / "work"
    directory.mkdir(mode=0o700)
    os.chown(directory, user.uid, user.gid)
    return directory


@pytest.fixture
def run(place: Path, user: AgentUser, work: Path) -> Iterator[Run]:
    """Start a session of a shell script; every one is proven gone at the end of the test."""
    started: list[Session] = []

    def start(script: str | list[str], **changes: Any) -> Session:
        spec: dict[str, Any] = {
            "directory": place / f"session-{secrets.token_hex(4)}",
            "command": ["sh", "-c", script] if isinstance(script, str) else script,
            "environment": {"PATH": PATH},
            "workspace": work,
            "user": user,
            "home": place,
            "grace_seconds": 5.0,
        }
        session = Session.start(SessionSpec(**(spec | changes)))
        started.append(session)
        return session

    yield start
    for session in started:
        report = session.prove_gone()
        assert report.gone, report
        session.discard()


@pytest.fixture(scope="module")
def model() -> Iterator[StubModel]:
    """A scripted model, for as many agents as there are."""
    served = StubModel()
    yield served
    served.close()


@pytest.fixture
def stage(model: StubModel) -> Iterator[Stage]:
    """Where real agents are played."""
    made = Stage(model)
    yield made
    made.close()


@pytest.fixture
def nonce() -> Iterator[str]:
    """A number to `sleep` for that no other process has; what still sleeps so at the end is killed."""
    number = f"{600 + secrets.randbelow(300)}.{secrets.randbelow(10**9):09}1"
    yield number
    reader = ProcReader()
    for pid in living(number):
        identity = reader.identity(pid)
        if identity is not None:
            send(identity, signal.SIGKILL, reader)
