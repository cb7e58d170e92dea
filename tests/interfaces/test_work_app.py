"""`work --app`: Python handlers in a worker process of their own."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from e2e.running_up import SOURCE
from watchkeeper.app.whole import App
from watchkeeper.services.enqueueing import JobRequest

MODULE = """
from watchkeeper import Worker, job


@job("greet")
async def greet(context):
    await context.progress(f"greeting {context.payload['name']}")


handlers = [greet]
worker = Worker([greet], project="p", worker_id="greeter")
"""


@pytest.mark.parametrize(
    ("arguments", "worker_id"),
    [
        (["--app", "greetings:worker"], "greeter"),
        (["--app", "greetings:handlers", "--project", "p", "--worker-id", "w-1", "--slots", "3"], "w-1"),
    ],
    ids=["a worker", "a list of handlers"],
)
async def test_handlers_of_a_module_work_until_the_process_is_stopped(
    app: App, database_url: str, tmp_path: Path, arguments: list[str], worker_id: str
) -> None:
    """A module beside the person who types is found, its handlers do the jobs, and SIGTERM ends it well."""
    (tmp_path / "greetings.py").write_text(MODULE)
    (job,) = await app.queue.enqueue("p", [JobRequest("greet", {"name": "Ada"})], actor="test")
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(SOURCE),
        "WATCHKEEPER_HOME": str(tmp_path / "home"),
        "WATCHKEEPER_DATABASE_URL": database_url,
    }
    command = [sys.executable, "-m", "watchkeeper", "work", *arguments]
    process = await asyncio.create_subprocess_exec(*command, env=environ, cwd=tmp_path)
    try:
        async with asyncio.timeout(30):
            while (found := await app.insights.job("p", job.id))["state"] != "completed":
                assert process.returncode is None
        assert [attempt["worker_id"] for attempt in found["attempts"]] == [worker_id]
    finally:
        process.terminate()
    async with asyncio.timeout(30):
        assert await process.wait() == 0


async def test_options_that_a_worker_has_itself_are_refused(database_url: str, tmp_path: Path) -> None:
    """A Worker says its own slots and project; who sets them beside it is told so."""
    (tmp_path / "greetings.py").write_text(MODULE)
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(SOURCE),
        "WATCHKEEPER_HOME": str(tmp_path / "home"),
        "WATCHKEEPER_DATABASE_URL": database_url,
    }
    command = [sys.executable, "-m", "watchkeeper", "work", "--app", "greetings:worker", "--slots", "3"]
    done = await asyncio.to_thread(
        subprocess.run, command, env=environ, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "a Worker has its own slots" in done.stderr
