"""One worker process of either peer: `python -m bench.worker PEER --lane LANE ...`, BENCH_DATABASE set.

With `--counts` it drains a warm-up lane, says "ready", waits for a line, and counts what it handles where its
parent can see it. Without, it runs at once and says of each job when it began.
"""

from __future__ import annotations

import argparse
import asyncio
import mmap
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg

from watchkeeper import logs

WARM_UP_JOBS = 200
PGQUEUER_BATCH = 500
"""The setting that won the trial of 10, 100 and 500."""

Handle = Callable[[Any], None]
Stop = Callable[[], None]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("peer", choices=("watchkeeper", "pgqueuer"))
    parser.add_argument("--lane", default="bench")
    parser.add_argument("--counts", type=Path)
    parser.add_argument("--slot", type=int, default=0)
    parser.add_argument("--lease-seconds", type=int)
    parser.add_argument("--hang", action="store_true")
    args = parser.parse_args()
    logs.configure(level="error", form="text", redact=str)
    run = {"watchkeeper": run_watchkeeper, "pgqueuer": run_pgqueuer}[args.peer]
    if args.counts is None:
        asyncio.run(run(args.lane, say_when, args))
    else:
        asyncio.run(drain(run, args))


async def drain(run: Callable[..., Any], args: argparse.Namespace) -> None:
    """Drain the warm-up lane, wait at the barrier, then drain the lane until told to stop."""
    left = WARM_UP_JOBS

    def warm_up(stop: Stop) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            stop()

    with args.counts.open("r+b") as file:
        counts = memoryview(mmap.mmap(file.fileno(), 0)).cast("Q")
    slot = args.slot

    def count(_stop: Stop) -> None:
        counts[slot] += 1

    await run(f"warm-{slot}", warm_up, args)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    await run(args.lane, count, args)


def say_when(_stop: Stop) -> None:
    """Tell the moment by both clocks: one for differences, one to hold against the database's."""
    os.write(1, b"%d %d\n" % (time.monotonic_ns(), time.time_ns()))


async def run_watchkeeper(lane: str, handle: Handle, args: argparse.Namespace) -> None:
    from bench.product import noop_worker

    async def handler(_context: object) -> None:
        handle(worker.stop)
        if args.hang:
            await asyncio.Event().wait()

    kind = {} if args.lease_seconds is None else {"lease_seconds": args.lease_seconds, "on_lost": "requeue"}
    worker = noop_worker(os.environ["BENCH_DATABASE"], lane, handler, **kind)
    stop_on_sigterm(worker.stop)
    await worker.run()


async def run_pgqueuer(lane: str, handle: Handle, args: argparse.Namespace) -> None:
    from pgqueuer import PgQueuer
    from pgqueuer.db import AsyncpgDriver

    connection = await asyncpg.connect(os.environ["BENCH_DATABASE"])
    queuer = PgQueuer(AsyncpgDriver(connection))

    @queuer.entrypoint(lane)
    async def handler(_job: object) -> None:
        handle(queuer.shutdown.set)

    stop_on_sigterm(queuer.shutdown.set)
    await queuer.run(batch_size=PGQUEUER_BATCH)
    await connection.close()


def stop_on_sigterm(stop: Stop) -> None:
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)


if __name__ == "__main__":
    main()
