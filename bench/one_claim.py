"""One claim of one job beside a million finished and 200,000 ready ones, its commit included."""

from __future__ import annotations

import time

from bench import server
from bench.deep_tables import fill
from bench.drain import LANE
from bench.peers import SEEDS, Watchkeeper, enqueue_all
from bench.plan import Bench, Row, Spread
from bench.product import KIND
from watchkeeper.domain.leases import RUNTIME_LEASE_SECONDS, SESSION_LEASE_SECONDS
from watchkeeper.storage import jobs as store
from watchkeeper.storage.database import DatabaseConfig, connect

MOST_MS = 2.0
CLAIMS = 200
WARM_UP_CLAIMS = 20
READY_SHARE = 5
"""One ready job for five finished ones."""

WORKER = "bench-worker"


async def measure(bench: Bench) -> list[Row]:
    """Claim one job at a time on a warm connection; the transaction begins and commits within the clock."""
    ours = Watchkeeper()
    ready = bench.plan.depth // READY_SHARE
    async with bench.server.database() as url:
        await fill(bench, ours, url, "finished")
        async with ours.lane(url, LANE) as lane:
            await enqueue_all(lane, SEEDS)
        await server.execute(url, ours.copy_queued, LANE, ready // SEEDS - 1)
        await server.settle(url)
        times = await _claims(url)
    found = Spread.of(times)
    return [
        Row(
            what=f"one claim, {bench.plan.depth:,} finished, {ready:,} ready",
            required=f"<= {MOST_MS:g} ms median",
            reached=f"{found.text(2, ' ms')}, p99 {found.percentile(0.99):.2f} ms",
            ok=found.median <= MOST_MS,
            figures={"ms": found.json(), "p99_ms": found.percentile(0.99)},
        )
    ]


async def _claims(url: str) -> list[float]:
    request = store.ClaimRequest(
        LANE, WORKER, [KIND], 1, "runtime", SESSION_LEASE_SECONDS, RUNTIME_LEASE_SECONDS
    )
    connection = await connect(DatabaseConfig(url))
    times = []
    for number in range(WARM_UP_CLAIMS + CLAIMS):
        begun = time.perf_counter()
        async with connection.transaction():
            claimed = await store.claim(connection, request)
        if number >= WARM_UP_CLAIMS:
            times.append((time.perf_counter() - begun) * 1000)
        assert len(claimed) == 1
    await connection.close()
    return times
