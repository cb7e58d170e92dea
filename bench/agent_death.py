"""An agent is killed while its supervisor lives: how soon its job runs again."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

from bench import commands
from bench.crew import running
from bench.installation import Installation, installation
from bench.plan import Bench, NotMeasurableError, Row, Spread
from watchkeeper import Client

MOST_SECONDS = 2.0
WHAT = "killed agent, to running again, where its supervisor lives"
REQUIRED = f"<= {MOST_SECONDS:g} s after its death"
KIND = "agent"
PATIENCE_SECONDS = 60.0

# Says when it began. The first attempt of a job then waits to be killed; the second ends well.
AGENT = """
cd "$0"
echo "$$ $(date +%s%N)" >>"$WATCHKEEPER_JOB_ID"
[ "$(wc -l <"$WATCHKEEPER_JOB_ID")" = 2 ] || exec sleep 600
"""


async def measure(bench: Bench) -> list[Row]:
    """Kill the process of the agent itself; the supervisor and the server are real processes."""
    commands.need("work")
    diary = bench.scratch / "agents"
    diary.mkdir()
    diary.chmod(0o777)  # agents run as another user where we are root
    with ExitStack() as stack:
        async with installation(bench, "agents-home") as here:
            await here.declare(KIND, on_lost="requeue")
            stack.enter_context(commands.ready("serve", here.settings))
            supervisor = ["work", "--agent", "command", "--slots", "2"]
            agent = ["--", "sh", "-c", AGENT, str(diary)]
            command = [*commands.PROGRAM, *supervisor, *agent]
            process = stack.enter_context(running(command, here.settings, quiet=True))
            seconds = [await _rescue(here, diary, process) for _ in range(bench.plan.rounds)]
            stack.close()
    found = Spread.of(seconds)
    return [
        Row(
            what=WHAT,
            required=REQUIRED,
            reached=found.text(2, " s"),
            ok=max(found.values) <= MOST_SECONDS,
            figures={"seconds": found.json()},
        )
    ]


async def _rescue(here: Installation, diary: Path, supervisor: subprocess.Popen[str]) -> float:
    async with Client(here.database, project=here.project, actor="bench") as client:
        job = await client.enqueue(KIND)
    entry = diary / str(job.id)
    pid, _ = await asyncio.to_thread(_begun, entry, 1, supervisor)
    await asyncio.sleep(random.uniform(0.5, 1.5))
    died = time.time_ns()
    os.kill(pid, signal.SIGKILL)
    _, began = await asyncio.to_thread(_begun, entry, 2, supervisor)
    return (began - died) / 1e9


def _begun(entry: Path, attempt: int, supervisor: subprocess.Popen[str]) -> tuple[int, int]:
    """Wait for the n-th attempt of a job; give its process and when it began."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        lines = entry.read_text(encoding="ascii").splitlines() if entry.exists() else []
        if len(lines) >= attempt:
            pid, began = lines[attempt - 1].split()
            return int(pid), int(began)
        if supervisor.poll() is not None:
            raise NotMeasurableError(f"the supervisor ended with {supervisor.returncode}")
        if time.monotonic() > deadline:
            raise RuntimeError(f"attempt {attempt} did not begin in {PATIENCE_SECONDS:g} s")
        time.sleep(0.005)
