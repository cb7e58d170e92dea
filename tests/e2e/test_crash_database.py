"""A database that drops connections, goes away, dies or runs full: nothing is lost, nothing is done twice."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest

from conftest import TestServer
from e2e.away_database import away, database_name, kick
from e2e.crash_processes import STEP_SECONDS, ask, attempts, state, stopped, watched, worker
from embedded_servers import instance, joined, servers, url_of
from moving_clock import MovingClock
from raw_sql import rows
from waiting import wait_until
from watchkeeper.app.whole import App, running
from watchkeeper.domain.attempts import INFRASTRUCTURE_DELAY_SECONDS
from watchkeeper.domain.errors import DatabaseUnavailable
from watchkeeper.host.clock import boot_clock
from watchkeeper.services.enqueueing import JobRequest
from watchkeeper.settings import Settings

SHORT_LEASE = 2.0
BALANCE = """
SELECT (SELECT count(*) FROM watchkeeper.job_specs) AS specs,
       (SELECT count(*) FROM watchkeeper.ready_jobs) + (SELECT count(*) FROM watchkeeper.scheduled_jobs)
     + (SELECT count(*) FROM watchkeeper.leases) + (SELECT count(*) FROM watchkeeper.held_jobs)
     + (SELECT count(*) FROM watchkeeper.job_outcomes) AS stand,
       (SELECT count(*) FROM watchkeeper.job_outcomes WHERE state = 'completed') AS completed,
       (SELECT count(*) FROM watchkeeper.closed_attempts WHERE outcome = 'completed') AS completions,
       (SELECT count(*) FROM watchkeeper.audit_events WHERE new_state = 'completed') AS told
"""
PLACES = """
SELECT (SELECT count(*) FROM watchkeeper.job_outcomes) AS done, (SELECT count(*) FROM watchkeeper.leases) AS leased,
       (SELECT count(*) FROM watchkeeper.scheduled_jobs) AS scheduled
"""


async def enqueue_counts(app: App, count: int) -> None:
    await app.queue.enqueue("p", [JobRequest("count", {"n": n}) for n in range(count)], actor="t")


async def test_connections_killed_in_mid_batch_lose_and_double_nothing(
    app: App, server: TestServer, database_url: str, clock: MovingClock, tmp_path: Path
) -> None:
    """While all connections are ended again and again, every job is completed, and each once."""
    await enqueue_counts(app, 600)
    name = database_name(database_url)
    with worker(database_url, tmp_path, concurrency=4, prefetch=20) as process:
        for kicks in range(1, 9):
            await watched(app, lambda seen=60 * kicks: len(process.lines) > seen, "more work")
            kick(server.admin_url, name)
        await _all_done(app, 600, clock)
        await stopped(app, process)
    [balance] = await rows(app.database, BALANCE)
    assert balance == {"specs": 600, "stand": 600, "completed": 600, "completions": 600, "told": 600}


async def _all_done(app: App, count: int, clock: MovingClock | None = None) -> None:
    """Wait for all jobs; with a clock, do not sit out the back-off of a job that was lost twice."""
    while (now := (await rows(app.database, PLACES))[0])["done"] < count:
        if clock is not None and now["scheduled"] and not now["leased"]:
            clock.advance(60)
        await watched(app, lambda: True, "a tick")
        await app.maintenance.keep_time()


async def test_a_database_away_for_twice_the_lease_costs_a_living_worker_no_lease(
    app: App, server: TestServer, database_url: str, clock: MovingClock, tmp_path: Path
) -> None:
    """Handlers are interrupted, none begins; the worker ends the attempts as infrastructure's: nothing is used up."""
    with worker(database_url, tmp_path, concurrency=2, prefetch=1) as process:
        jobs = [await ask(app, "delicate", n=n) for n in (1, 2, 3)]
        await watched(
            app, lambda: process.said("begun", 1, 1) and process.said("begun", 2, 1), "two handlers"
        )
        await _reach(app, jobs, "running")
        with away(server.admin_url, database_name(database_url), at_least=2 * SHORT_LEASE):
            for n in (1, 2):
                await asyncio.to_thread(
                    wait_until, lambda n=n: process.said("interrupted", n), 15, "the interruption"
                )
        await _reach(app, jobs, "pending", "paused", "failed")
        assert [await attempts(app, job) for job in jobs] == [[(1, "failed", "infrastructure")]] * 3
        assert not process.said("begun", 3)
        process.go()
        clock.advance(INFRASTRUCTURE_DELAY_SECONDS)
        await _reach(app, jobs, "completed", "paused", "failed")

        await stopped(app, process)
    ends = [(1, "failed", "infrastructure"), (2, "completed", None)]
    assert [await attempts(app, job) for job in jobs] == [ends] * 3


async def _reach(app: App, jobs: list[str], *states: str) -> None:
    """Keep the queue's time until each of the jobs has come to one of these states."""
    deadline = boot_clock() + 30
    while not all([await state(app, job) in states for job in jobs]):
        assert boot_clock() < deadline, f"waited in vain for {states}"
        await app.maintenance.keep_time()
        await asyncio.to_thread(threading.Event().wait, STEP_SECONDS)


@pytest.fixture
async def own(tmp_path: Path) -> AsyncIterator[tuple[App, Path, str]]:
    """All services on a server of this test's own, with the place of its data."""
    with servers() as made:
        server = made.at(new=True)
        with joined(server) as users:
            url = url_of(users[0])
            async with running(Settings(home=tmp_path / "home", database_url=url)) as app:
                await app.kinds.ensure_project("p")
                yield app, instance(server).place, url


async def test_a_killed_postmaster_comes_back_and_every_job_is_accounted_for(
    own: tuple[App, Path, str], tmp_path: Path
) -> None:
    """SIGKILL of the postmaster in mid-work: its keeper starts it again, and all jobs are completed once."""
    app, place, url = own
    await enqueue_counts(app, 400)
    with worker(url, tmp_path, concurrency=4, prefetch=20) as process:
        await watched(app, lambda: len(process.lines) > 100, "some work")
        os.kill(postmaster_pid(place), signal.SIGKILL)
        for _ in range(200):
            try:
                await _all_done(app, 400)
                break
            except DatabaseUnavailable:
                continue
        await stopped(app, process)
    [balance] = await rows(app.database, BALANCE)
    assert balance == {"specs": 400, "stand": 400, "completed": 400, "completions": 400, "told": 400}


def postmaster_pid(place: Path) -> int:
    return int((place / "cluster" / "postmaster.pid").read_text().split()[0])


@pytest.fixture
def small_database() -> Iterator[tuple[str, Path]]:
    """A database on a disk of 64 MB, and that disk; on a server of its own, since a full disk fails all checkpoints."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount a small disk")
    disk = Path(subprocess.check_output(["mktemp", "-d", "/tmp/wk-disk-XXXXXX"], text=True).strip())
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m,mode=0755", "small", disk], check=False)
    if mounted.returncode:
        disk.rmdir()
        pytest.skip("needs the right to mount a small disk")
    try:
        with servers() as made:
            own = made.at()
            with joined(own) as users:
                url_of(users[0])  # it runs, then
                with psycopg.connect(own.admin_url(), autocommit=True) as connection:
                    yield _on_disk(connection, disk), disk
    finally:
        subprocess.run(["umount", disk], check=True)
        disk.rmdir()


def _on_disk(connection: psycopg.Connection, disk: Path) -> str:
    owner = connection.execute("SHOW data_directory").fetchone()
    assert owner is not None
    data = Path(str(owner[0])).stat()
    (disk / "data").mkdir()
    os.chown(disk / "data", data.st_uid, data.st_gid)
    connection.execute(f"CREATE TABLESPACE small LOCATION '{disk}/data'".encode())
    connection.execute(b"CREATE DATABASE small TABLESPACE small")
    return psycopg.conninfo.make_conninfo(_address(connection), dbname="small")


def _address(connection: psycopg.Connection) -> str:
    return f"{connection.info.dsn} password={connection.info.password}"


async def _enqueue_without_end(app: App, accepted: list[str]) -> None:
    while True:
        batch = [JobRequest("k", {"text": os.urandom(3000).hex()}) for _ in range(20)]
        accepted += [job.id for job in await app.queue.enqueue("p", batch, actor="t")]


async def test_a_full_disk_is_told_and_loses_nothing(
    small_database: tuple[str, Path], tmp_path: Path
) -> None:
    """On a full disk enqueueing fails with database_unavailable, what was accepted stays, and space lets it go on."""
    url, disk = small_database
    async with running(Settings(home=tmp_path, database_url=url)) as app:
        await app.kinds.ensure_project("p")
        await rows(app.database, "CHECKPOINT")  # what is only in memory would take its room later
        free = os.statvfs(disk)
        ballast = disk / "ballast"
        ballast.write_bytes(b"\0" * (free.f_bavail * free.f_bsize - 4_000_000))
        accepted: list[str] = []
        with pytest.raises(DatabaseUnavailable, match="out of room"):
            await _enqueue_without_end(app, accepted)
        kept = await rows(app.database, "SELECT id::text FROM watchkeeper.job_specs")
        assert {row["id"] for row in kept} == set(accepted)
        [balance] = await rows(app.database, BALANCE)
        assert balance["specs"] == balance["stand"] == len(accepted)
        ballast.unlink()
        [again] = await app.queue.enqueue("p", [JobRequest("k")], actor="t")
        assert await state(app, str(again.id)) == "pending"
        jobs = await app.queue.claim("p", "w", None, limit=5, profile="runtime")
        assert len(jobs) == 5
