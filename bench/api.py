"""How long the API takes for what other programs ask most, beside a million jobs and 10,000 live leases."""

from __future__ import annotations

import asyncio
from functools import partial

from bench import commands
from bench.console_fill import PROJECT, Filled, fill
from bench.console_live import processor_seconds
from bench.console_pages import Timed, Used, timed
from bench.plan import Bench, Row
from watchkeeper.app.whole import running
from watchkeeper.domain.principals import Role

MOST_MILLISECONDS = 50.0

ASKED = {
    "queue-health": "/api/watchdog/queue-health?project={project}",
    "a page of jobs": "/api/jobs?project={project}",
    "a job's timeline": "/api/jobs/{job}/timeline?project={project}",
    "/metrics": "/metrics?project={project}",
}
"""What is asked for, one client after the other; the job is the one with the longest story."""


async def measure(bench: Bench) -> list[Row]:
    """Plant what the console is measured with, and ask over one kept connection, as a viewer of the project."""
    async with bench.server.database() as url:
        filled = await fill(bench, url)
        settings = commands.environment(
            bench.scratch / "api-serve", commands.free_port(), WATCHKEEPER_DATABASE_URL=url
        )
        with commands.started("serve", settings) as (pid, _):
            async with running(filled.settings) as app:
                made = await app.identity.create_token("bench-reader", Role.VIEWER, PROJECT, actor="bench")
            used = partial(processor_seconds, bench, url, pid)
            return await asyncio.to_thread(
                _rows, bench, filled, settings["WATCHKEEPER_URL"], made.secret, used
            )


def _rows(bench: Bench, filled: Filled, url: str, secret: str, used: Used) -> list[Row]:
    rows = []
    for what, path in ASKED.items():
        asked = path.format(project=PROJECT, job=filled.subjects["job"])
        one = timed(url, asked, {"Authorization": f"Bearer {secret}"}, bench.plan.samples, used)
        bench.say(f"api, {what}: {one.text}")
        rows.append(_row(what, one))
    return rows


def _row(what: str, one: Timed) -> Row:
    p99 = one.times.percentile(0.99)
    return Row(
        what=f"API: {what}, p99, one client",
        required=f"<= {MOST_MILLISECONDS:g} ms",
        reached=f"{p99:.1f} ms; {one.text}",
        ok=p99 <= MOST_MILLISECONDS and one.status == 200,
        figures={"ms": one.times.json() | {"p99": p99, "cpu": one.cpu}, "bytes": len(one.body)},
    )
