"""What a full sweep of the watchdog costs beside a deep history, and what an idle watch costs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

from bench import commands, server
from bench.crew import running as process
from bench.peers import Watchkeeper, sql
from bench.plan import Bench, Row, Spread
from watchkeeper.app.whole import running
from watchkeeper.services.incidents import Incidents
from watchkeeper.services.watchdog import Watchdog, WatchdogConfig
from watchkeeper.settings import Settings

LEASES = 10_000
AT_RISK = 100
HOURS_AHEAD = 36_000.0
MOST_MILLISECONDS = 200.0
MOST_RATIO = 1.15
"""Flat: a sweep beside the finished jobs costs at most so much more than one beside none."""

MOST_CORE = 0.05
SWEEPS = 60
STEP = 100_000
TICKS_A_SECOND = 100


async def measure(bench: Bench) -> list[Row]:
    """Sweep two databases of live leases in turn, one with finished jobs beside them; then watch that one idle."""
    depth = bench.plan.depth
    async with bench.server.database() as empty, bench.server.database() as deep:
        for url in (empty, deep):
            await Watchkeeper().install(url)
            await server.execute(url, sql("watch_leases"), depth + 1, LEASES, HOURS_AHEAD, HOURS_AHEAD)
            await server.execute(url, sql("watch_leases"), depth + LEASES + 1, AT_RISK, 15.0, 15.0)
        for first in range(1, depth + 1, STEP):
            await server.execute(deep, sql("watch_finished"), first, min(depth, first + STEP - 1))
        for url in (empty, deep):
            await server.settle(url)
        async with _sweeper(bench, empty) as sweep_empty, _sweeper(bench, deep) as sweep_deep:
            times = [(await sweep_empty(), await sweep_deep()) for _ in range(SWEEPS)][5:]
        await server.execute(deep, "DELETE FROM watchkeeper.leases WHERE seq > $1", depth + LEASES)
        await server.execute(deep, "DELETE FROM watchkeeper.watchdog_incidents")
        cores = await _idle(bench, deep)
    alone, beside = (Spread.of(values) for values in zip(*times, strict=True))
    return [_sweep_row(depth, alone, beside), _idle_row(cores)]


@asynccontextmanager
async def _sweeper(bench: Bench, url: str) -> AsyncIterator[Callable[[], Awaitable[float]]]:
    """Lend what makes one full sweep, with the look at the incidents that may be over, and gives its milliseconds."""
    settings = Settings.read(
        {"WATCHKEEPER_HOME": str(bench.scratch / "sweep-home"), "WATCHKEEPER_DATABASE_URL": url}
    )
    async with running(settings) as app:
        watchdog = Watchdog(app.database, Incidents(app.database), config=WatchdogConfig(close_seconds=0.0))

        async def sweep() -> float:
            await server.execute(
                url, "UPDATE watchkeeper.watchdog_state SET swept_at = NULL, blind_since = NULL"
            )
            begun = time.perf_counter()
            await watchdog.run_once()
            return (time.perf_counter() - begun) * 1000

        yield sweep


async def _idle(bench: Bench, url: str) -> dict[str, float]:
    """Give the share of a core that `watchkeeper watch` uses, and its server processes, with no work to do."""
    home = bench.scratch / "watch-home"
    settings = commands.environment(home, commands.free_port(), WATCHKEEPER_DATABASE_URL=url)
    with process([*commands.PROGRAM, "watch"], settings, quiet=True) as watch:
        await asyncio.sleep(10.0)
        backends = await server.value(bench.server.url, sql("watch_backends"), server.database_name(url))
        pids = {"watch": [watch.pid], "server": cast("list[int]", backends)}
        before = {name: sum(map(cpu_seconds, each)) for name, each in pids.items()}
        await asyncio.sleep(bench.plan.idle_seconds)
        after = {name: sum(map(cpu_seconds, each)) for name, each in pids.items()}
    return {name: (after[name] - before[name]) / bench.plan.idle_seconds for name in pids}


def cpu_seconds(pid: int) -> float:
    """Read the user and system time of a process; none of one that has ended (proc(5), stat)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND


def _sweep_row(depth: int, alone: Spread, beside: Spread) -> Row:
    ratio = Spread.ratios(beside.values, alone.values).median
    return Row(
        what=f"full sweep, {LEASES:,} live leases, {depth:,} finished jobs",
        required=f"<= {MOST_MILLISECONDS:g} ms, flat in the finished",
        reached=f"{beside.text(1, ' ms')}; without them {alone.text(1, ' ms')}",
        ok=max(alone.percentile(0.95), beside.percentile(0.95)) <= MOST_MILLISECONDS and ratio <= MOST_RATIO,
        figures={"alone_ms": alone.json(), "beside_ms": beside.json(), "ratio": ratio},
    )


def _idle_row(cores: dict[str, float]) -> Row:
    return Row(
        what=f"idle `watchkeeper watch`, {LEASES:,} live leases, of a core",
        required=f"<= {MOST_CORE:.0%}",
        reached=f"{cores['watch']:.1%}; its server processes {cores['server']:.1%}",
        ok=cores["watch"] <= MOST_CORE,
        figures={"cores": cores},
    )
