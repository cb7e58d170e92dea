"""What holds when the shim, the supervisor or both are killed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agents.living import Run, living
from waiting import wait_until
from watchkeeper.agents import records
from watchkeeper.agents.session import EndReason, Session, Standing
from watchkeeper.agents.sweep import prove_gone
from watchkeeper.host.processes import ProcReader
from watchkeeper.host.signals import Sent, send

ENDURING = "setsid sleep NONCE & trap '' TERM; echo up; while :; do sleep 0.05; done"
ENV_CLEARING = "(env -i /usr/bin/setsid /bin/sleep NONCE &); echo up; while :; do sleep 0.05; done"
Killed = Callable[..., Session]


def test_a_killed_shims_processes_are_proven_gone(run: Run, nonce: str, use_scope: bool) -> None:
    """After a SIGKILL of the shim the sweep ends the agent and what it started, by scope or by marker."""
    session = run(ENDURING.replace("NONCE", nonce), use_scope=use_scope, grace_seconds=0.5)
    assert wait_until(session.stdout().lines, what="the agent")
    _kill_shim(session)
    assert session.standing is Standing.LOST
    assert living(nonce)
    report = session.prove_gone()
    assert report.gone
    assert report.by == "supervisor"
    assert not living(nonce)
    assert session.ended() is None


def test_the_agent_hears_of_its_shims_death(run: Run) -> None:
    """With the shim killed the agent gets SIGTERM at once: nobody holds its hard cap any more."""
    session = run("echo up; exec sleep 600")
    assert wait_until(session.stdout().lines, what="the agent")
    agent = session.agent
    assert agent is not None
    _kill_shim(session)
    wait_until(lambda: not ProcReader().alive(agent), what="the agent's end")


def test_a_scope_finds_what_cleared_its_environment(run: Run, nonce: str, with_scope: None) -> None:
    """With a scope even an env-clearing double fork does not outlive a killed shim's session."""
    session = run(ENV_CLEARING.replace("NONCE", nonce))
    assert wait_until(session.stdout().lines, what="the agent")
    _kill_shim(session)
    assert session.prove_gone().gone
    assert not living(nonce)


def test_without_a_scope_that_is_out_of_reach(run: Run, nonce: str) -> None:
    """The documented limit: no scope, shim killed, environment cleared, parents gone: no proof is left."""
    session = run(ENV_CLEARING.replace("NONCE", nonce), use_scope=False)
    assert wait_until(session.stdout().lines, what="the agent")
    sleeper = wait_until(lambda: _only_sleeper(nonce), what="the sleeper")
    _kill_shim(session)
    assert session.prove_gone().gone
    assert _only_sleeper(nonce) == sleeper


def test_a_session_outlives_its_killed_supervisor_and_is_adopted(killed_supervisor: Killed) -> None:
    """After a SIGKILL of the supervisor the agent goes on; another follows its output and sees its end."""
    session = killed_supervisor("echo one; until [ -e go ]; do sleep 0.02; done; echo two; exit 5")
    assert session.standing is Standing.RUNNING
    out = session.stdout()
    lines = wait_until(out.lines, what="the first line")
    out = session.stdout(lines[-1].end)
    assert session.workspace is not None
    (session.workspace / "go").touch()
    assert session.wait(20)
    assert [line.text for line in out.lines()] == ["two"]
    end = session.ended()
    assert end is not None
    assert (end.reason, end.exit_code) == (EndReason.EXITED, 5)
    assert session.standing is Standing.FINISHED


def test_an_adopted_session_can_be_interrupted(killed_supervisor: Killed, nonce: str) -> None:
    """The supervisor that adopts a session ends it as if it were its own."""
    session = killed_supervisor(f"setsid sleep {nonce} & echo up; while :; do sleep 0.02; done")
    assert session.interrupt("lease lost")
    assert session.wait(20)
    end = session.ended()
    assert end is not None
    assert (end.reason, end.request) == (EndReason.INTERRUPTED, "lease lost")
    assert not living(nonce)


def test_the_hard_cap_holds_without_a_supervisor(killed_supervisor: Killed) -> None:
    """With its supervisor dead a session still ends at its hard cap."""
    session = killed_supervisor("while :; do sleep 0.02; done", hard_cap_seconds=1.0)
    assert session.wait(20)
    end = session.ended()
    assert end is not None
    assert end.reason is EndReason.HARD_CAP


def test_supervisor_and_shim_killed(killed_supervisor: Killed, nonce: str, use_scope: bool) -> None:
    """With both killed, the next supervisor's proof ends what is left."""
    session = killed_supervisor(ENDURING.replace("NONCE", nonce), use_scope=use_scope)
    _kill_shim(session)
    assert prove_gone(session.directory).gone
    assert not living(nonce)


def test_a_living_session_is_ended_by_the_proof(run: Run, nonce: str) -> None:
    """Proving a session gone that still lives ends it first, its shim recording the end."""
    session = run(f"setsid sleep {nonce} & echo up; while :; do sleep 0.02; done")
    assert wait_until(session.stdout().lines, what="the agent")
    report = session.prove_gone()
    assert (report.gone, report.by) == (True, "shim")
    assert not living(nonce)
    assert session.standing is Standing.FINISHED
    assert session.prove_gone().gone, "it is safe to repeat"


def test_a_stopped_shim_does_not_hold_up_the_proof(run: Run, nonce: str) -> None:
    """A shim that somebody has stopped is woken and ends its session."""
    session = run(f"sleep {nonce}", grace_seconds=0.5)
    shim = session.shim
    assert shim is not None
    assert send(shim, signal.SIGSTOP, ProcReader()) is Sent.SENT
    assert session.prove_gone().gone
    assert not living(nonce)


def test_orders_that_no_shim_took_are_revoked(place: Path, run: Run) -> None:
    """A supervisor killed before its shim read the orders: they are taken away, so that it never will."""
    session = run("exit 0")
    assert session.wait(20)
    late = place / "late"
    late.mkdir()
    about = records.read_record(session.directory / records.SESSION)
    assert about is not None
    records.write_record(late / records.SESSION, about | {"scope": None})
    records.write_record(late / records.SPEC, {})
    assert prove_gone(late).gone
    assert not (late / records.SPEC).exists()
    done = subprocess.run([sys.executable, "-I", "-S", _shim(), late / records.SPEC], timeout=20, check=False)
    assert done.returncode == 3


def test_a_restart_of_the_machine_is_proof_enough(run: Run) -> None:
    """A session of another boot has no process left, and none is looked for."""
    session = run("sleep 600")
    path = session.directory / records.SESSION
    about = records.read_record(path)
    assert about is not None
    records.write_record(path, about | {"boot_id": "of-another-boot"})
    report = prove_gone(session.directory)
    assert (report.gone, report.note) == (True, "the machine was restarted")
    assert session.alive
    records.write_record(path, about)


def test_another_pid_namespace_is_no_proof(run: Run) -> None:
    """A session of another container cannot be seen from here, so it is not called gone."""
    session = run("sleep 600")
    path = session.directory / records.SESSION
    about = records.read_record(path)
    assert about is not None
    records.write_record(path, about | {"pid_ns": "pid:[1]"})
    assert not prove_gone(session.directory).gone
    assert session.alive
    records.write_record(path, about)


@pytest.fixture(params=[True, False], ids=["scope", "marker only"])
def use_scope(request: pytest.FixtureRequest) -> bool:
    if request.param:
        request.getfixturevalue("with_scope")
    return bool(request.param)


@pytest.fixture
def killed_supervisor(place: Path, work: Path) -> Iterator[Killed]:
    """Start a session from another process, SIGKILL that process, and adopt the session."""
    adopted: list[Session] = []

    def start(script: str, **changes: Any) -> Session:
        order = {"place": str(place), "work": str(work), "script": script, "use_scope": True}
        order |= {"hard_cap_seconds": None, **changes}
        program = Path(__file__).with_name("supervisor_process.py")
        with subprocess.Popen(
            [sys.executable, program, json.dumps(order)], stdout=subprocess.PIPE, text=True
        ) as supervisor:
            assert supervisor.stdout is not None
            directory = Path(supervisor.stdout.readline().strip())
            supervisor.kill()
        adopted.append(Session.adopt(directory))
        return adopted[-1]

    yield start
    for session in adopted:
        assert session.prove_gone().gone
        wait_until(lambda gone=session: not gone.alive, what="the shim's end")
        session.discard()


def _kill_shim(session: Session) -> None:
    shim = session.shim
    assert shim is not None
    assert send(shim, signal.SIGKILL, ProcReader()) is Sent.SENT
    assert session.wait(20)


def _only_sleeper(nonce: str) -> int | None:
    """Give the pid of the one process left of the double fork once it belongs to nobody of the session."""
    reader = ProcReader()
    pids = [pid for pid in living(nonce) if (found := reader.process(pid)) and found.comm == "sleep"]
    return pids[0] if len(pids) == 1 else None


def _shim() -> str:
    return str(Path(records.__file__).with_name("shim.py"))
