"""A failover to a real standby: workers follow the new primary, nothing is lost, doubled, or rescued in vain."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psycopg

from e2e.crash_processes import ask, attempts, stopped, watched, worker
from e2e.test_crash_database import BALANCE, enqueue_counts
from raw_sql import rows
from replicated_pair import replicated_pair
from watchkeeper.app.whole import App, running
from watchkeeper.domain.errors import DatabaseUnavailable
from watchkeeper.settings import Settings

JOBS = 300


def known_workers(url: str) -> int:
    with psycopg.connect(url) as connection:
        [(count,)] = connection.execute("SELECT count(*) FROM watchkeeper.workers").fetchall()
    return int(count)


async def test_workers_go_on_at_the_new_primary(tmp_path: Path) -> None:
    """The primary dies in mid-work and its standby takes over: two workers finish every job, each once, and a
    job whose lease outlives the failover stays with its worker.
    """
    with replicated_pair() as pair:
        async with running(Settings(home=tmp_path / "home", database_url=pair.url)) as app:
            await app.kinds.ensure_project("p")
            with (
                worker(pair.url, tmp_path / "a", concurrency=2, prefetch=10) as first,
                worker(pair.url, tmp_path / "b", concurrency=2, prefetch=10) as second,
            ):
                await watched(
                    app, lambda: known_workers(pair.url) == 2, "both workers: one that starts would end"
                )
                steady = await ask(app, "steady", n=0)
                await watched(app, lambda: first.said("begun", 0) or second.said("begun", 0), "a long job")
                await enqueue_counts(app, JOBS)
                await watched(app, lambda: len(first.lines) + len(second.lines) > JOBS // 3, "some work")
                pair.primary.kill()
                pair.promote()
                for process in (first, second):
                    process.go()
                async with asyncio.timeout(60):
                    await all_done(app, JOBS + 1)
                for process in (first, second):
                    await stopped(app, process)
            every = {"specs": JOBS + 1, "stand": JOBS + 1, "completed": JOBS + 1}
            [balance] = await rows(app.database, BALANCE)
            assert balance == every | {"completions": JOBS + 1, "told": JOBS + 1}
            assert await attempts(app, steady) == [(1, "completed", None)]
            said = [line for line in first.lines + second.lines if line.startswith("counted ")]
            assert len(set(said)) == JOBS
            (diagnosed,) = [check for check in await app.diagnosis.system() if check.name == "replicas"]
            assert "no replica" in diagnosed.detail


async def all_done(app: App, count: int) -> None:
    """Keep the queue's time until so many jobs are completed, past the failover's own errors."""
    done = "SELECT count(*) AS n FROM watchkeeper.job_outcomes WHERE state = 'completed'"
    while True:
        try:
            await app.maintenance.keep_time()
            if (await rows(app.database, done))[0]["n"] >= count:
                return
        except DatabaseUnavailable:
            continue
