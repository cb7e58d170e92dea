"""Codex and Claude Code when the whole machine falls, and in a work tree of a repository."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from agents.real_agents import REAL
from e2e.work_agent.door import Door
from e2e.work_agent.real_work import HAND_IN, WRITE_PAGE, RealWork, clone_for_agents, steps_files
from stubmodel.script import Script, Shell
from waiting import wait_until
from watchkeeper.agents import records

WORK = [WRITE_PAGE, HAND_IN, "The page is there."]
# Cut off, the command is asked for again; then it finds what it has begun, and ends.
WAITS = Shell("echo began >> steps; test $(wc -l < steps) -gt 1 || tail -f /dev/null")


def thread_of(real: RealWork) -> Path:
    (found,) = real.desk.place.glob("home*/sessions/*/*/thread.json")
    return found


@pytest.mark.parametrize("agent", REAL)
def test_the_fall_of_a_whole_machine_within_the_lease(real: RealWork, agent: str) -> None:
    """Supervisor, shim, agent and its tools are killed at once, and the server is away: the worker comes back before
    it. The same attempt resumes its thread in its workspace, and the job is completed.
    """
    with Door(real.desk.url) as door:
        first = real.worker(agent, Script([WAITS, *WORK]), url=door.url)
        job = real.put()
        wait_until(lambda: steps_files(real), 60, "the command")
        thread = thread_of(real)
        wait_until(lambda: '"thread": null' not in thread.read_text(), 30, "the thread's name")
        started = records.read_record(thread.parent / "session/started.json")
        assert started is not None
        door.shut()
        for pid in (first.process.pid, started["shim"]["pid"], *below(started["agent"]["pid"])):
            with suppress(ProcessLookupError):  # it fell with the one before it
                os.kill(pid, signal.SIGKILL)
        first.process.wait(10)
        again = real.worker(agent, Script(WORK), url=door.url, address=real.address)
        wait_until(lambda: again.events("supervisor_started"), 30, "the worker")
        door.open()
        done = real.over(job)
    assert (done["state"], done["verified"], len(done["attempts"])) == ("completed", "artifact", 1)
    (steps,) = steps_files(real)
    assert steps.read_text().split() == ["began", "began"]
    assert [one["fresh"] for one in again.events("session_begun_again")] == [False]


def below(root: int) -> list[int]:
    """Give a process and all that descends from it, as a falling machine takes them."""
    found = [root]
    for pid in found:
        children = Path(f"/proc/{pid}/task").glob("*/children")
        found += [int(child) for path in children for child in path.read_text().split()]
    return found


@pytest.mark.parametrize("agent", REAL)
def test_a_commit_stands_on_the_jobs_branch(real: RealWork, agent: str) -> None:
    """In a work tree of the operator's clone the agent commits, from within its sandbox; the branch has it."""
    clone = clone_for_agents(real.desk.place)
    commit = Shell(
        "git add -A && git -c user.name=b -c user.email=b@example.org commit -qm second && echo fine > said"
    )
    real.worker(agent, Script([WRITE_PAGE, commit, HAND_IN, "The page is there."]), repositories=[str(clone)])
    job = real.put(more={"repository": str(clone)})
    assert real.over(job)["state"] == "completed"
    asked = ["git", "-c", f"safe.directory={clone}", "-C", str(clone), "log", "--format=%s", "--name-only"]
    told = subprocess.run([*asked, f"watchkeeper/{job}"], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["second", "index.html", "first", "README"]
