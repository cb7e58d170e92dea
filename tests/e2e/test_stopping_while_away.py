"""SIGTERM while the database is away: every process ends within a few seconds, and in order."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from e2e.running_up import SOURCE
from e2e.wire import Wire
from waiting import wait_until
from watchkeeper.app.whole import App
from watchkeeper.services.enqueueing import JobRequest

HANDLERS = """
import asyncio
from pathlib import Path
from watchkeeper import job

@job("k")
async def k(context):
    Path("begun").touch()
    while not Path("go").exists():
        await asyncio.sleep(0.01)

handlers = [k]
"""
PROGRAMS = {
    "serve": ["serve", "--port", "0"],
    "watch": ["watch"],
    "work": ["work", "--app", "handlers:handlers", "-p", "p"],
}
A_FEW_SECONDS = 12.0


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory whose name is short enough for a socket in it."""
    with tempfile.TemporaryDirectory(prefix="wk-") as directory:
        (Path(directory) / "handlers.py").write_text(HANDLERS)
        yield Path(directory)


@contextmanager
def programs(place: Path, database_url: str) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(SOURCE),
        "WATCHKEEPER_HOME": str(place / "home"),
        "WATCHKEEPER_DATABASE_URL": database_url,
    }
    processes = {}
    try:
        for name, arguments in PROGRAMS.items():
            with (place / f"{name}.log").open("wb") as log:
                command = [sys.executable, "-m", "watchkeeper", *arguments]
                processes[name] = subprocess.Popen(
                    command, env=environ, cwd=place, stdin=subprocess.DEVNULL, stdout=log, stderr=log
                )
        yield processes
    finally:
        for process in processes.values():
            process.kill()
            process.wait()


@pytest.mark.parametrize("how", ["cut", "fall_silent"])
async def test_sigterm_ends_every_process_though_the_database_is_away(
    app: App, database_url: str, place: Path, how: str
) -> None:
    """Refused or simply silent, it keeps neither server nor watch nor a worker with an untold end from stopping."""

    def said(name: str) -> str:
        return (place / f"{name}.log").read_text()

    await app.queue.enqueue("p", [JobRequest("k")], actor="t")
    with Wire(database_url, place) as wire, programs(place, wire.url) as processes:
        for name, word in (("serve", "server_listening"), ("watch", "watch_started")):
            await asyncio.to_thread(wait_until, lambda name=name, word=word: word in said(name), 30, name)
        await asyncio.to_thread(wait_until, (place / "begun").exists, 30, "the job to be worked on")
        getattr(wire, how)()
        (place / "go").touch()
        for process in processes.values():
            process.send_signal(signal.SIGTERM)
        for name, process in processes.items():
            assert await asyncio.to_thread(process.wait, A_FEW_SECONDS) == 0, said(name)
        assert "reports_given_up" in said("work")
        assert not any("Traceback" in said(name) for name in processes)
