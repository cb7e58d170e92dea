"""The sealed audit: how fast rows are sealed and verified, how far the chain lags, and what it costs the drain."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import server
from bench.crew import line_of, running
from bench.drain import drain
from bench.peers import Watchkeeper, sql
from bench.plan import Bench, Row, Spread
from watchkeeper.app import whole as root
from watchkeeper.app.whole import App
from watchkeeper.settings import Settings

SEALED = 20_000
VERIFIED = 50_000
MOST_LAG_SECONDS = 1.0
ROWS_A_SECOND = 500
MOST_COST = 0.05


async def measure(bench: Bench) -> list[Row]:
    """Measure each in databases of their own."""
    return [*await _speeds(bench), await _lag(bench), await _cost(bench)]


async def _speeds(bench: Bench) -> list[Row]:
    sealed: list[float] = []
    verified: list[float] = []
    for turn in range(bench.plan.rounds):
        async with bench.server.database() as url:
            await Watchkeeper().install(url)
            await server.execute(url, sql("audit_fill"), 3 * bench.plan.jobs)
            await server.settle(url)
            app = _app(bench, url, f"speed-{turn}")
            await app.database.open()
            begun = time.perf_counter()
            while await server.value(url, sql("audit_unsealed")):
                for _ in range(20):
                    await app.audit_sealer.run_once()
            sealed.append(3 * bench.plan.jobs / (time.perf_counter() - begun))
            begun = time.perf_counter()
            report = await app.audit_verifier.verify()
            verified.append(report.rows / (time.perf_counter() - begun))
            assert report.ok
            await app.database.close()
        bench.say(f"audit, round {turn + 1}: {sealed[-1]:,.0f} rows sealed/s, {verified[-1]:,.0f} verified/s")
    return [_speed("sealed", sealed, SEALED), _speed("verified", verified, VERIFIED)]


def _speed(what: str, rates: list[float], required: int) -> Row:
    spread = Spread.of(rates)
    return Row(
        what=f"audit rows {what} a second",
        required=f">= {required:,}",
        reached=spread.text(),
        ok=spread.median >= required,
        figures={"rows_per_second": spread.json()},
    )


async def _lag(bench: Bench) -> Row:
    """Write rows at an even rate while a full drain of another database keeps the same server busy."""
    lags: list[float] = []
    async with bench.server.database() as url, bench.server.database() as busy:
        for each in (url, busy):
            await Watchkeeper().install(each)
        app = _app(bench, url, "lag")
        await app.database.open()
        with _sealer(bench, url, "lag"):
            running_drain = asyncio.create_task(_drain_in_thread(bench, busy))
            while not running_drain.done() or len(lags) < 20:
                begun = time.perf_counter()
                await server.execute(url, sql("audit_write"), ROWS_A_SECOND // 20)
                lags.append((await app.audit_reading.lag())["lag_seconds"])
                await asyncio.sleep(max(0.0, 0.05 - (time.perf_counter() - begun)))
            await running_drain
        await app.database.close()
    spread = Spread.of(lags)
    return Row(
        what=f"audit lag at {ROWS_A_SECOND} rows/s beside a drain",
        required=f"<= {MOST_LAG_SECONDS:g} s",
        reached=spread.text(2, " s"),
        ok=max(lags) <= MOST_LAG_SECONDS,
        figures={"seconds": spread.json(), "p99": spread.percentile(0.99)},
    )


async def _drain_in_thread(bench: Bench, url: str) -> float:
    """Drain in a loop of its own: a drain waits for its processes without yielding."""
    return await asyncio.to_thread(
        lambda: asyncio.run(drain(bench, Watchkeeper(), url, 1, jobs=3 * bench.plan.jobs))
    )


async def _cost(bench: Bench) -> Row:
    """Drain with index and sealer and without either, in turn."""
    rates: dict[bool, list[float]] = {True: [], False: []}
    for turn in range(bench.plan.rounds):
        for sealing in (True, False) if turn % 2 == 0 else (False, True):
            async with bench.server.database() as url:
                await Watchkeeper().install(url)
                if sealing:
                    with _sealer(bench, url, f"cost-{turn}"):
                        rate = await drain(bench, Watchkeeper(), url, 1, jobs=bench.plan.jobs)
                else:
                    await server.execute(url, sql("audit_without_order"))
                    rate = await drain(bench, Watchkeeper(), url, 1, jobs=bench.plan.jobs)
            rates[sealing].append(rate)
            bench.say(f"audit cost, round {turn + 1}, sealing {sealing}: {rate:,.0f} jobs/s")
    ratio = Spread.ratios(rates[True], rates[False])
    return Row(
        what="no-op jobs/s with sealing, of those without",
        required=f">= {1 - MOST_COST:.2f} x",
        reached=ratio.text(2, " x"),
        ok=ratio.median >= 1 - MOST_COST,
        figures={"ratio": ratio.json()},
    )


def _app(bench: Bench, url: str, name: str) -> App:
    return root.build(Settings(home=bench.scratch / f"audit-{name}", database_url=url))


@contextmanager
def _sealer(bench: Bench, url: str, name: str) -> Iterator[subprocess.Popen[str]]:
    home: Path = bench.scratch / f"audit-{name}"
    command = [sys.executable, "-m", "bench.sealer", url, str(home)]
    with running(command, dict(os.environ)) as process:
        line_of(process, 60.0)
        yield process
