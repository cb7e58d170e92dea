"""Workers that die, sleep, hang or are told to go: no job is lost, and none is done under two leases."""

from __future__ import annotations

import signal
from pathlib import Path

from e2e.crash_processes import ask, attempts, state, stopped, watched, worker
from watchkeeper.app.whole import App
from watchkeeper.host.clock import boot_clock

LATE_LEASE = 2.0


async def test_a_killed_worker_s_job_is_finished_by_another(
    app: App, database_url: str, tmp_path: Path
) -> None:
    """After SIGKILL the lease runs out, the job is rescued and done once by a second worker."""
    with worker(database_url, tmp_path) as first:
        job = await ask(app, "wait", n=1)
        await watched(app, lambda: first.said("begun", 1, 1), "the first attempt")
        first.signal(signal.SIGKILL)
        with worker(database_url, tmp_path) as second:
            second.go()
            await watched(app, lambda: second.said("begun", 1, 2), "the second attempt")
            await watched(app, lambda: second.said("ended", 1), "its end")
            second.signal(signal.SIGTERM)
            await watched(app, lambda: second.said("stopped"), "the second worker's stop")
    assert await attempts(app, job) == [(1, "lost", "lease_lost"), (2, "completed", None)]
    assert await state(app, job) == "completed"


async def test_a_worker_that_slept_for_twice_its_lease_cannot_touch_the_job(
    app: App, database_url: str, tmp_path: Path
) -> None:
    """SIGSTOP, then SIGCONT: late progress and completion get stale_lease, the other's stands, the worker works on."""
    with worker(database_url, tmp_path) as sleeper, worker(database_url, tmp_path) as other:
        job = await ask(app, "late", n=1)
        await watched(app, lambda: sleeper.said("begun", 1) or other.said("begun", 1), "the first attempt")
        if other.said("begun", 1):
            sleeper, other = other, sleeper
        sleeper.signal(signal.SIGSTOP)
        wakes_at = boot_clock() + 2 * LATE_LEASE
        await watched(app, lambda: other.said("begun", 1, 2), "the second attempt")
        other.go()
        await watched(app, lambda: other.said("ended", 1), "the second attempt's end")
        other.signal(signal.SIGTERM)
        await watched(app, lambda: other.ended, "the other's stop")
        await watched(app, lambda: boot_clock() >= wakes_at, "the end of the sleep")
        sleeper.signal(signal.SIGCONT)
        await watched(app, lambda: sleeper.said("interrupted", 1), "the interruption, which is held off")
        assert not sleeper.said("refused")
        sleeper.go()
        await watched(app, lambda: sleeper.said("refused", 1, "stale_lease"), "the late progress")
        await watched(app, lambda: sleeper.events("report_rejected"), "the late completion")
        later = await ask(app, "count", n=2)
        await watched(app, lambda: sleeper.said("counted", 2), "work after the refusal")
        await stopped(app, sleeper)
    assert [event["code"] for event in sleeper.events("report_rejected")] == ["stale_lease"]
    assert await attempts(app, job) == [(1, "lost", "lease_lost"), (2, "completed", None)]
    assert await state(app, job) == await state(app, later) == "completed"


async def test_a_worker_told_to_stop_finishes_what_runs_and_hands_back_the_rest(
    app: App, database_url: str, tmp_path: Path
) -> None:
    """SIGTERM: no more claims, the running job is completed, those not begun are pending again, exit status 0."""
    with worker(database_url, tmp_path, concurrency=1, prefetch=3) as process:
        jobs = [await ask(app, "wait", n=n) for n in range(3)]
        await watched(app, lambda: process.said("begun"), "the first handler")
        process.signal(signal.SIGTERM)
        process.go()
        await stopped(app, process)
        assert process.process.returncode == 0
    ended = [job for job in jobs if await state(app, job) == "completed"]
    waiting = [job for job in jobs if await state(app, job) == "pending"]
    assert len(ended) == 1
    assert len(waiting) == 2
    for job in waiting:
        assert all(
            outcome == "released" and cause == "operator" for _, outcome, cause in await attempts(app, job)
        )


async def test_a_handler_that_blocks_the_loop_keeps_its_lease(
    app: App, database_url: str, tmp_path: Path
) -> None:
    """A handler that never yields for two lease periods is not rescued: renewals have a thread of their own."""
    with worker(database_url, tmp_path) as process:
        job = await ask(app, "block", n=1, seconds=4.5)
        await watched(app, lambda: process.said("ended", 1), "the end of the blocking handler")
        await stopped(app, process)
    assert await attempts(app, job) == [(1, "completed", None)]
