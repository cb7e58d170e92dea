"""How soon the watchdog finds that a lease is near its end, once the threshold has passed, among 1,000 live ones."""

from __future__ import annotations

import asyncio
from typing import cast

from bench import server
from bench.peers import Watchkeeper, sql
from bench.plan import Bench, Row, Spread
from watchkeeper.app.whole import running
from watchkeeper.services.duties import Duties
from watchkeeper.settings import Settings

LEASES = 1_000
MOST_SECONDS = 1.0
NEAR_SECONDS = 20.0
AHEAD_SECONDS, SPREAD_SECONDS = 20.0, 30.0
"""The first threshold passes so long after the begin, when a full sweep has seen the leases, and all within so long."""

BEGUN_SECONDS = 3.0
"""Then the duties run, and the quiet time that follows their begin is ended: no lease is judged in it."""


async def measure(bench: Bench) -> list[Row]:
    """Let 1,000 leases pass their threshold at random moments of half a minute while the watch runs as it is."""
    async with bench.server.database() as url:
        await Watchkeeper().install(url)
        first = NEAR_SECONDS + AHEAD_SECONDS
        settings = Settings.read(
            {"WATCHKEEPER_HOME": str(bench.scratch / "detection-home"), "WATCHKEEPER_DATABASE_URL": url}
        )
        async with running(settings) as app:
            duties = Duties(*app.maintenance.duties(), app.audit_sealer.duty(), app.watchdog.watch.duty())
            duties.start()
            await asyncio.sleep(BEGUN_SECONDS)
            await server.execute(url, "UPDATE watchkeeper.reaper_state SET quiet_since = 'epoch'")
            await server.execute(url, sql("watch_leases"), 1, LEASES, first, first + SPREAD_SECONDS)
            await asyncio.sleep(AHEAD_SECONDS + SPREAD_SECONDS + 2.0)
            await duties.stop()
        delays = cast("list[float]", await server.value(url, sql("watch_delays")))
    found = Spread.of(delays)
    p99 = found.percentile(0.99)
    return [
        Row(
            what=f"detection after a threshold, {LEASES:,} live leases, p99",
            required=f"<= {MOST_SECONDS:g} s",
            reached=f"{p99:.3f} s; p50 {found.median:.3f} s, {len(delays):,} of {LEASES:,} found",
            ok=len(delays) == LEASES and p99 <= MOST_SECONDS and min(delays) >= 0,
            figures={"seconds": found.json(), "p99": p99},
        )
    ]
