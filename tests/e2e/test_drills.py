"""Drills as a person runs them: against a real server and a real watch, over HTTP."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from e2e.running_up import environment
from waiting import wait_until
from watchkeeper.domain.stage_proofs import GOLDEN
from watchkeeper.interfaces.cli.drills.catalogue import DRILLS

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@contextmanager
def process(environ: dict[str, str], *arguments: str) -> Iterator[None]:
    """Run a command of the product until the block ends."""
    running = subprocess.Popen(
        [sys.executable, "-m", "watchkeeper", *arguments],
        env=environ,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        running.terminate()
        assert running.wait(timeout=40) == 0


def command(environ: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "watchkeeper", *arguments],
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


@pytest.fixture
def environ(database_url: str, tmp_path: Path) -> dict[str, str]:
    # Below a directory that every user may pass through, since a drill brings a database of its own.
    scratch = {"TMPDIR": os.environ.get("TMPDIR", "/tmp")}
    return environment(tmp_path / "home", WATCHKEEPER_DATABASE_URL=database_url, **scratch)


@pytest.fixture
def run(environ: dict[str, str]) -> Iterator[Run]:
    """Run commands as the owner against a server that runs meanwhile."""
    assert command(environ, "token", "create", "--owner").returncode == 0
    with process(environ, "serve", "--port", "0"):
        url = Path(environ["WATCHKEEPER_HOME"]) / "url"
        wait_until(url.exists, 30, "the server's address")
        asking = {name: value for name, value in environ.items() if name != "WATCHKEEPER_DATABASE_URL"}
        yield lambda *arguments: command(asking, *arguments)


def told(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def projects(run: Run) -> set[str]:
    return {row["project_id"] for row in told(run("projects", "list", "--json"))["projects"]}


@pytest.mark.timeout(300)
def test_every_fault_is_detected_with_evidence(run: Run, environ: dict[str, str]) -> None:
    """`drill all`: each passes right after the watch began, shows facts, leaves no project, and is in the trail."""
    with process(environ, "watch"):
        done = run("drill", "all", "--patience", "40", "--json")
    report = json.loads(done.stdout)
    assert [(drill["drill"], drill["error"]) for drill in report["drills"] if not drill["ok"]] == []
    assert (done.returncode, report["ok"]) == (0, True)
    assert [drill["drill"] for drill in report["drills"]] == list(DRILLS)
    assert [drill["drill"] for drill in report["drills"] if len(drill["evidence"]) < 3] == []
    assert not [name for name in projects(run) if name.startswith("drill-")]
    assert told(run("projects", "create", "p", "--json"))["created"]
    items = told(run("report", "stages", "-p", "p", "--json"))["items"]
    (golden,) = [item for item in items if "golden" in item["sentence"]]
    assert golden["because"].endswith("no worker run with artifact evidence")


def test_a_fault_that_nobody_detects_fails_the_drill(run: Run, database_url: str) -> None:
    """Without a watch: exit 3, a word on what to do, no project left behind, and the trail has the failure."""
    done = run("drill", "no_job_loop", "--patience", "1")
    assert done.returncode == 3
    assert "no_job_loop: FAILED" in done.stdout
    assert "an incident of claim_loop_idle did not come within 1 s" in done.stdout
    assert "'watchkeeper up' brings it" in done.stdout
    assert not [name for name in projects(run) if name.startswith("drill-")]
    with psycopg.connect(database_url) as connection:
        ended = connection.execute(
            "SELECT data FROM watchkeeper.audit_events WHERE project_id = 'system' AND event = 'drill_ended'"
        ).fetchall()
    assert ended == [({"drill": "no_job_loop", "passed": False, "evidence": 1},)]


def test_the_golden_tests_are_drills() -> None:
    """What the report of stages looks for can be run by these names."""
    assert set(GOLDEN) <= set(DRILLS)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_drill_that_is_told_to_stop_leaves_nothing_behind(
    run: Run, environ: dict[str, str], number: signal.Signals
) -> None:
    """Ended by a service manager or Ctrl-C, it begins no more, removes its projects, and says so."""
    asking = {name: value for name, value in environ.items() if name != "WATCHKEEPER_DATABASE_URL"}
    drill = subprocess.Popen(
        [sys.executable, "-m", "watchkeeper", "drill", "golden", "--patience", "200"],
        env=asking,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_until(lambda: any(name.startswith("drill-") for name in projects(run)), 60, "a drill's project")
    drill.send_signal(number)
    out, _ = drill.communicate(timeout=90)
    assert drill.returncode == 3, out
    assert "told to stop" in out
    assert not [name for name in projects(run) if name.startswith("drill-")]


def test_a_later_drill_removes_what_a_killed_one_left(run: Run) -> None:
    """Projects of this machine's dead drills go after an hour; a young one, a living one's and a stranger's stay."""
    here, now = socket.gethostname(), datetime.now(UTC)
    old, young = (now - timedelta(hours=2)).isoformat(), now.isoformat()
    gone = subprocess.Popen(["true"])
    gone.wait()
    titles = {
        "drill-left": f"a drill of {here}, process {gone.pid}, since {old}",
        "drill-young": f"a drill of {here}, process {gone.pid}, since {young}",
        "drill-lives": f"a drill of {here}, process {os.getpid()}, since {old}",
        "drill-far": f"a drill of elsewhere, process {gone.pid}, since {old}",
        "drill-mine": "my own project",
    }
    for name, title in titles.items():
        assert told(run("projects", "create", name, "--title", title, "--json"))["created"]
    run("drill", "normal_path", "--patience", "1")
    assert {name for name in projects(run) if name.startswith("drill-")} == titles.keys() - {"drill-left"}
