"""No-op jobs a second with one and two worker processes, in tables that hold nothing else."""

from __future__ import annotations

import time

import asyncpg

from bench import server
from bench.barrier import line_up
from bench.crew import waiting_crew, watch
from bench.peers import Peer, enqueue_all, peers
from bench.plan import Bench, Row, Spread
from bench.worker import WARM_UP_JOBS

WORKERS = (1, 2)
REQUIRED = {1: 1.5, 2: 1.2}
LANE = "bench"


async def measure(bench: Bench) -> list[Row]:
    """Compare ours with pgqueuer, a new database for each drain."""
    rates: dict[tuple[str, int], list[float]] = {}
    for turn in range(bench.plan.rounds):
        for workers in WORKERS:
            for peer in peers(turn):
                async with bench.server.database() as url:
                    await peer.install(url)
                    rate = await drain(bench, peer, url, workers, jobs=bench.plan.jobs)
                rates.setdefault((peer.name, workers), []).append(rate)
                bench.say(f"drain, round {turn + 1}, {peer.name}, {workers} workers: {rate:,.0f} jobs/s")
    return [_row(workers, rates["watchkeeper", workers], rates["pgqueuer", workers]) for workers in WORKERS]


async def drain(bench: Bench, peer: Peer, url: str, workers: int, *, jobs: int, mark: int = 0) -> float:
    """Enqueue jobs, release warm workers, and give jobs/s until as many are finished for good.

    What is finished is counted above `mark`, so that the counting of a deep table costs nothing.
    """
    for slot in range(workers):
        async with peer.lane(url, f"warm-{slot}") as lane:
            await enqueue_all(lane, WARM_UP_JOBS)
    async with peer.lane(url, LANE) as lane:
        await enqueue_all(lane, jobs)
    connection = await asyncpg.connect(url)
    try:
        with waiting_crew(bench, peer.name, url, workers) as crew:
            await server.execute(bench.server.url, "CHECKPOINT")
            before = await connection.fetchval(peer.finished, LANE, mark)
            async with line_up(crew, peer, url):
                begun = time.perf_counter()
            watch(crew, jobs)
            while await connection.fetchval(peer.finished, LANE, mark) - before < jobs:
                crew.check()
            return jobs / (time.perf_counter() - begun)
    finally:
        await connection.close()


def _row(workers: int, ours: list[float], theirs: list[float]) -> Row:
    ratio = Spread.ratios(ours, theirs)
    required = REQUIRED[workers]
    who = "1 worker process" if workers == 1 else f"{workers} worker processes"
    return Row(
        what=f"no-op jobs/s, {who}",
        required=f">= {required:g} x pgqueuer",
        reached=f"{ratio.text(2, ' x')}: {Spread.of(ours).text()} against {Spread.of(theirs).text()}",
        ok=ratio.median >= required,
        figures={
            "ratio": ratio.json(),
            "watchkeeper": Spread.of(ours).json(),
            "pgqueuer": Spread.of(theirs).json(),
        },
    )
