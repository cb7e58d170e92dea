"""A worker is killed in the middle of a job: how soon the job runs elsewhere."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import cast

from bench import server
from bench.crew import line_of, worker
from bench.peers import Watchkeeper, sql
from bench.plan import Bench, Row, Spread
from watchkeeper.app.whole import running
from watchkeeper.services.duties import Duties
from watchkeeper.settings import Settings

MOST_AFTER_LEASE = 1.0
LEASE_SECONDS = 2
"""The shortest that a kind may have."""


async def measure(bench: Bench) -> list[Row]:
    """Kill the process of a Python worker; the lease's end tells of it."""
    async with bench.server.database() as url:
        await Watchkeeper().install(url)
        async with _upkeep(bench.scratch / "rescue-home", url):
            # After its first look the reaper leaves everyone a whole lease of quiet.
            await asyncio.sleep(LEASE_SECONDS + 1)
            late = [await _rescue(url, f"rescue-{turn}") for turn in range(bench.plan.rounds)]
    found = Spread.of(late)
    return [
        Row(
            what="killed worker, to running elsewhere, after the lease's end",
            required=f"<= {MOST_AFTER_LEASE:g} s",
            reached=found.text(3, " s"),
            ok=max(found.values) <= MOST_AFTER_LEASE,
            figures={"seconds": found.json(), "lease_seconds": LEASE_SECONDS},
        ),
    ]


@asynccontextmanager
async def _upkeep(home: Path, url: str) -> AsyncIterator[None]:
    """Run what `watchkeeper watch` runs for the queue."""
    settings = Settings.read({"WATCHKEEPER_HOME": str(home), "WATCHKEEPER_DATABASE_URL": url})
    async with running(settings) as app:
        duties = Duties(*app.maintenance.duties())
        duties.start()
        try:
            yield
        finally:
            await duties.stop()


async def _rescue(url: str, project: str) -> float:
    """Let one worker begin a job and another fall asleep, then kill the first.

    Gives the seconds from the lease's end to the handler's first line. Raises RuntimeError when a living
    worker lost its lease: then there is nothing to time.
    """
    arguments = ("--lane", project, "--hang", "--lease-seconds", str(LEASE_SECONDS))
    with ExitStack() as stack:
        first = stack.enter_context(worker("watchkeeper", url, *arguments))
        async with Watchkeeper().lane(url, project) as lane:
            await _sleepers(url, project, 1)
            await lane.enqueue_one({})
        await asyncio.to_thread(line_of, first, 60.0)
        second = stack.enter_context(worker("watchkeeper", url, *arguments))
        stack.callback(second.kill)
        await _sleepers(url, project, 2)
        # Renewals come at fixed intervals; the death shall not.
        await asyncio.sleep(random.uniform(0.0, LEASE_SECONDS))
        first.kill()
        first.wait()
        expires = await _end_of_first_lease(url, project)
        line = await asyncio.to_thread(line_of, second, LEASE_SECONDS + 60.0)
        return int(line.split()[1]) / 1e9 - expires


async def _end_of_first_lease(url: str, project: str) -> float:
    expires = await server.value(url, sql("lease_end"), project)
    if expires is None:
        raise RuntimeError("a worker lost its lease while it lived")
    return cast("float", expires)


async def _sleepers(url: str, project: str, count: int) -> None:
    deadline = time.monotonic() + 30
    while cast("int", await server.value(url, sql("sleepers"), project)) < count:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{count} idle workers did not show up")
        await asyncio.sleep(0.02)
