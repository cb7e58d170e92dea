"""An installation as large as the console must bear: a million jobs, 10,000 leases, 5,000 incidents, and their like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import asyncpg

from bench import server
from bench.peers import Watchkeeper, sql
from bench.plan import Bench
from watchkeeper.app.whole import App, running
from watchkeeper.domain.principals import Role
from watchkeeper.domain.rules.names import RepairAction
from watchkeeper.services.repairs.desk import Wish
from watchkeeper.settings import Settings

PROJECT = "watched"
LEASES = 10_000
INCIDENTS = 5_000
REPAIRS = 5_000
WORDS = 5_000
STORY = 1_000
"""The job that has a long story, and a session of 20,000 events."""

STEP = 100_000


@dataclass(frozen=True, slots=True)
class Filled:
    """What was planted. `subjects` has, for each name in a page's address, a key that leads to something."""

    url: str
    settings: Settings
    subjects: Mapping[str, str]


async def fill(bench: Bench, url: str) -> Filled:
    """Plant everything in an empty database."""
    depth = bench.plan.depth
    bench.say(f"console: {depth:,} jobs, {LEASES:,} leases, {INCIDENTS:,} incidents")
    await Watchkeeper().install(url)
    await server.execute(url, sql("console_ground"))
    for first in range(1, depth + 1, STEP):
        await server.execute(url, sql("console_jobs"), first, min(depth, first + STEP - 1))
    await server.execute(url, sql("console_leases"), depth + 1, LEASES)
    await server.execute(url, sql("console_troubles"), INCIDENTS)
    await server.execute(url, sql("console_causes"))
    await server.execute(url, sql("console_story"), STORY)
    await server.execute(url, sql("console_words"), WORDS)
    settings = Settings.read(
        {"WATCHKEEPER_HOME": str(bench.scratch / "console"), "WATCHKEEPER_DATABASE_URL": url}
    )
    held = await server.value(url, sql("console_held"), depth + 1)
    async with running(settings) as app:
        await app.maintenance.keep_time()
        await _repair(app, str(held))
    await server.execute(url, sql("console_repairs"), REPAIRS)
    await server.settle(url)
    return Filled(url, settings, await _subjects(url))


async def _repair(app: App, job: str) -> None:
    """Ask for one real repair: those that are planted after it have its plan."""
    made = await app.identity.create_token("bench-asker", Role.WORKER, PROJECT, actor="bench")
    asker = await app.identity.authenticate(made.secret)
    await app.watchdog.repairs.ask(PROJECT, Wish(RepairAction.RELEASE, "it hangs", job=job), asker)


async def _subjects(url: str) -> dict[str, str]:
    connection = await asyncpg.connect(url)
    try:
        return {row["name"]: row["key"] for row in await connection.fetch(sql("console_subjects"), STORY)}
    finally:
        await connection.close()


async def session_of(app: App, role: Role, project: str | None) -> str:
    """Sign somebody in and give the secret of the session."""
    made = await app.identity.create_token(f"bench-{role}", role, project, actor="bench")
    code = await app.login_links.create_code(await app.identity.authenticate(made.secret))
    return (await app.login_links.consume_code(code.code)).secret
