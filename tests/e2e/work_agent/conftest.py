"""A real server for each test process, a project for each test, and workers that leave nothing behind."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from agents.living import living, remove_scopes
from agents.real_agents import PROGRAMS
from e2e.work_agent.desk import Desk, server_process
from e2e.work_agent.real_work import RealWork
from stubmodel.server import StubModel
from watchkeeper.agents.session import Session
from watchkeeper.services.supervision.records import attempts_at


@pytest.fixture(scope="session")
def serving(server: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A server with a database of its own: where it listens, and an owner's token."""
    with server.database() as database_url:
        order = {"database_url": database_url, "home": str(tmp_path_factory.mktemp("serving"))}
        with server_process(order) as (_, told):
            yield told | order


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that every user can enter, with one `out` that every user can write."""
    directory = Path(tempfile.mkdtemp(prefix="wk-work-")).resolve()
    directory.chmod(0o755)
    (directory / "out").mkdir()
    (directory / "out").chmod(0o777)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def desk(serving: dict[str, str], place: Path) -> Iterator[Desk]:
    """A project of this test's own; in the end its workers are gone, and so are all sessions of theirs."""
    headers = {"Authorization": f"Bearer {serving['token']}"}
    project = f"p{uuid4().hex[:10]}"
    with httpx2.Client(base_url=serving["url"], headers=headers, trust_env=False, timeout=30) as http:
        desk = Desk(http, serving["url"], project, place)
        http.post("/api/projects", json={"project_id": project}, headers={"Idempotency-Key": project})
        yield desk
        for worker in desk.workers:
            if worker.process.poll() is None:
                worker.kill()
        for home in place.glob("home*"):
            for records in attempts_at(home):
                if records.session.is_dir():
                    assert Session.adopt(records.session).prove_gone().gone
            remove_scopes(home)


@pytest.fixture
def nonce() -> Iterator[str]:
    """A number to `sleep` for that no other process has; nobody may sleep so at the end."""
    number = f"{700 + os.getpid() % 200}.{uuid4().int % 10**9:09}1"
    yield number
    assert not living(number)


@pytest.fixture(scope="module")
def model() -> Iterator[StubModel]:
    """A scripted model, for as many agents as there are."""
    served = StubModel()
    yield served
    served.close()


@pytest.fixture
def real(desk: Desk, model: StubModel, monkeypatch: pytest.MonkeyPatch) -> RealWork:
    """A desk whose workers run the real agents, as tests/agents_npm pins them."""
    monkeypatch.setenv("PATH", f"{PROGRAMS}:{os.environ['PATH']}")
    return RealWork(desk, model)
