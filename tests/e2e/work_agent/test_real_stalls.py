"""The real agents when their model falls silent and their supervisor dies."""

from __future__ import annotations

import json
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest

from agents.real_agents import setup_for
from agents.real_play import nobody_listens
from e2e.work_agent.real_work import HAND_IN, WRITE_PAGE, RealWork, agents_of
from stubmodel.script import Fault, Script
from waiting import wait_until
from watchkeeper.agents.program import Program

LONG_AGO = 7200.0


def age(place: Path) -> None:
    """Let all that was written below a place have been written long ago."""
    then = time.time() - LONG_AGO
    for path in place.rglob("*"):
        if path.is_file() and not path.is_symlink():
            with suppress(FileNotFoundError):  # the agent has taken it away
                os.utime(path, (then, then))


def deaf(place: Path, agent: str) -> Path:
    """Make a directory in which the agent is one that ignores SIGTERM from its start; a launcher would hear it."""
    found = Program(agent, setup_for(agent, nobody_listens(), place)).path
    directory = place / "deaf"
    directory.mkdir()
    program = directory / agent
    program.write_text(f"#!/bin/sh\ntrap '' TERM\nexec {found} \"$@\"\n")
    program.chmod(0o755)
    return directory


@pytest.mark.parametrize(("agent", "is_deaf"), [("codex", True), ("claude", False)])
def test_a_stall_goes_on_over_its_supervisors_death(
    real: RealWork, agent: str, is_deaf: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model falls silent, the supervisor is killed, and two come back to its place: one adopts the agent, counts
    its silence from its last word, hours ago, and ends it at once, by SIGKILL where it does not hear its SIGTERM; its
    thread is resumed, the job is completed once.
    """
    script = Script([WRITE_PAGE, HAND_IN, "The page is there."], Fault(hang=True, times=1))
    address = real.model.serve(script)
    if is_deaf:
        monkeypatch.setenv("PATH", f"{deaf(real.desk.place, agent)}:{os.environ['PATH']}")
    first = real.worker(agent, script, address=address)
    job = real.put()
    wait_until(lambda: real.model.asked_of(address), 60, "the agent's question")
    (thread,) = real.desk.place.glob("home*/sessions/*/*/thread.json")
    wait_until(lambda: '"thread": null' not in thread.read_text(), 60, "its first word")
    if not is_deaf:
        os.kill(agents_of(real.desk)[0], signal.SIGSTOP)  # it would go on writing to its transcript
    first.kill()
    age(real.desk.place)
    again = [real.worker(agent, script, address=address) for _ in range(2)]
    done = real.over(job)
    assert (done["state"], done["verified"], len(done["attempts"])) == ("completed", "artifact", 1)
    (adopter,) = [one for one in again if one.events("agent_session_adopted")]
    assert [(one["failure"], one["fresh"]) for one in adopter.events("session_begun_again")] == [
        ("F02", False)
    ]
    assert len(agents_of(real.desk)) == 2
    (ended,) = real.desk.place.glob("home*/sessions/*/*/session-1/ended.json")
    assert (json.loads(ended.read_text())["signal"] == signal.SIGKILL) is is_deaf
