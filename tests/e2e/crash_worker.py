"""A worker process for the crash tests: its handlers say on stdout what they do, and go on when stdin says so."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading

from watchkeeper import JobContext, Worker, job, logs
from watchkeeper.domain.errors import StaleLease

released = asyncio.Event()
OFTEN = {"lease_seconds": 2, "max_lost_leases": 1000, "max_attempts": 1000}


def say(*words: object) -> None:
    print(*words, flush=True)


@job("wait", **OFTEN)
async def wait(context: JobContext) -> None:
    """Begin, wait for `go`, and say that the job moves."""
    number = context.payload["n"]
    say("begun", number, context.job.epoch)
    try:
        await released.wait()
        await context.progress("going on")
    except StaleLease:
        say("stale", number)
        raise
    except asyncio.CancelledError:
        say("interrupted", number)
        raise
    say("ended", number)


@job("delicate", lease_seconds=2, on_lost="hold", max_lost_leases=1, max_attempts=1)
async def delicate(context: JobContext) -> None:
    """The same, where not one lease may be lost and not one error made; the first breaks when it is interrupted."""
    try:
        await wait.function(context)
    except asyncio.CancelledError:
        if context.payload["n"] == 1:
            raise RuntimeError("could not clean up") from None
        raise


@job("late", **OFTEN)
async def late(context: JobContext) -> None:
    """Hold off the interruption, wait for `go`, and call and complete all the same."""
    number = context.payload["n"]
    say("begun", number, context.job.epoch)
    while not released.is_set():
        try:
            await released.wait()
        except asyncio.CancelledError:
            say("interrupted", number)
    try:
        await context.progress("late")
    except StaleLease as error:
        say("refused", number, error.code)
    say("ended", number)


@job("steady")
async def steady(context: JobContext) -> None:
    """The same under a lease of the usual length."""
    await wait.function(context)


@job("block", **OFTEN)
async def block(context: JobContext) -> None:
    """Hold the event loop as a careless handler does."""
    say("begun", context.payload["n"], context.job.epoch)
    threading.Event().wait(context.payload["seconds"])
    say("ended", context.payload["n"])


@job("count", **OFTEN)
async def count(context: JobContext) -> None:
    """Do next to nothing."""
    say("counted", context.payload["n"])


async def main(url: str, concurrency: int, prefetch: int) -> None:
    worker = Worker(
        [wait, delicate, late, steady, block, count],
        database_url=url,
        project="p",
        concurrency=concurrency,
        prefetch=prefetch,
    )
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, worker.stop)
    loop.add_reader(sys.stdin.fileno(), lambda: sys.stdin.readline() and released.set())
    say("worker", worker.worker_id)
    await worker.run()
    say("stopped")


if __name__ == "__main__":
    logs.configure(level="INFO", form="json", redact=str)
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
