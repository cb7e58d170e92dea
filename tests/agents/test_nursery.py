"""Shims that are born in a supervisor's nursery: as good as those that are started, and independent of it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agents.living import PATH, living
from waiting import wait_until
from watchkeeper.agents.session import Session, SessionSpec, Standing
from watchkeeper.agents.spawning import Nursery
from watchkeeper.agents.user import AgentUser
from watchkeeper.host.processes import ProcReader


@pytest.fixture
def nursery() -> Iterator[Nursery]:
    made = Nursery()
    yield made
    made.stop()


@pytest.fixture
def spec(place: Path, work: Path, user: AgentUser) -> dict[str, Any]:
    common = {"environment": {"PATH": PATH}, "workspace": work, "user": user, "home": place}
    return common | {"directory": place / "session", "grace_seconds": 1.0}


def parent_of(pid: int) -> int:
    process = ProcReader().process(pid)
    assert process is not None
    return process.ppid


def test_a_born_session_runs_and_is_swept(nursery: Nursery, spec: dict[str, Any], nonce: str) -> None:
    """What it leaves behind is ended, and its end is told, as of any other session."""
    script = f"setsid sleep {nonce} & nohup sleep {nonce} & echo said; exit 3"
    session = Session.start(SessionSpec(**spec, command=["sh", "-c", script]), nursery.spawn)
    assert session.wait(20)
    end = session.ended()
    assert end is not None
    assert end.exit_code == 3
    assert (session.directory / "stdout").read_text() == "said\n"
    assert (session.directory / "shim.log").read_text() == ""
    assert session.standing is Standing.FINISHED
    assert not living(nonce)


def test_a_session_outlives_its_nursery(nursery: Nursery, spec: dict[str, Any], nonce: str) -> None:
    """SIGKILL of the nursery touches no session, and the next session is started all the same."""
    place = spec.pop("directory")
    long = SessionSpec(**spec, directory=place, command=["sleep", nonce])
    first = Session.start(long, nursery.spawn)
    assert first.shim is not None
    os.kill(parent_of(first.shim.pid), signal.SIGKILL)
    wait_until(lambda: first.shim and parent_of(first.shim.pid) != os.getpid(), 10, "another parent")
    other = SessionSpec(**spec, directory=place.with_name("other"), command=["true"])
    second = Session.start(other, nursery.spawn)
    assert second.wait(20)
    assert first.standing is Standing.RUNNING
    assert living(nonce)
    assert first.prove_gone().gone


def test_a_session_that_cannot_be_born_says_so(nursery: Nursery, spec: dict[str, Any]) -> None:
    """An agent's program that is not there ends its session as not started, with the reason."""
    session = Session.start(SessionSpec(**spec, command=["/no/such/program"]), nursery.spawn)
    end = session.ended()
    assert session.wait(20)
    assert end is not None
    assert end.reason == "not_started"
    assert "no such program" in end.error
