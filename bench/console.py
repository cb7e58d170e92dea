"""The console over a large installation: its pages' time and weight, its freshness, open consoles, and alerts."""

from __future__ import annotations

import asyncio
from functools import partial

from bench import commands
from bench.console_alert import measure_alerts
from bench.console_fill import PROJECT, fill, session_of
from bench.console_live import measure_changes, measure_consoles, processor_seconds
from bench.console_pages import measure_pages
from bench.plan import Bench, Row
from watchkeeper.app.whole import running
from watchkeeper.domain.principals import Role


async def measure(bench: Bench) -> list[Row]:
    """Plant everything once; then measure what a reader waits for, and what readers cost."""
    async with bench.server.database() as url:
        filled = await fill(bench, url)
        home = bench.scratch / "console-serve"
        settings = commands.environment(home, commands.free_port(), WATCHKEEPER_DATABASE_URL=url)
        address = settings["WATCHKEEPER_URL"]
        with commands.started("serve", settings) as (pid, _):
            async with running(filled.settings) as app:
                owner = await session_of(app, Role.OWNER, None)
                viewer = await session_of(app, Role.VIEWER, PROJECT)
                visitors = {"owner": owner, "viewer": viewer}
                used = partial(processor_seconds, bench, url, pid)
                rows = await asyncio.to_thread(measure_pages, bench, filled, address, visitors, used)
                rows.append(await measure_changes(bench, app, address, viewer))
            rows.append(await measure_consoles(bench, filled, address, viewer, pid))
    return [*rows, await measure_alerts(bench)]
