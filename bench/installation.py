"""One installation to run `watchkeeper` commands in: a database, a home, a port and a worker's token."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from bench import commands
from bench.plan import Bench
from watchkeeper.app.whole import running
from watchkeeper.domain.kinds import KindDeclaration
from watchkeeper.domain.principals import Role
from watchkeeper.settings import Settings

PROJECT = "bench"


@dataclass(frozen=True, slots=True)
class Installation:
    """`settings` is the environment of its commands, with a worker's token in it."""

    database: str
    settings: dict[str, str]
    project: str = PROJECT

    async def declare(self, kind: str, **declaration: Any) -> None:
        async with running(_own_settings(self.settings)) as app:
            parsed = KindDeclaration.parse({"name": kind, **declaration})
            await app.kinds.declare(self.project, parsed, actor="bench")


@asynccontextmanager
async def installation(bench: Bench, name: str) -> AsyncIterator[Installation]:
    """Make an installation of that name; its database goes with the block."""
    home = bench.scratch / name
    home.mkdir()
    async with bench.server.database() as url:
        settings = commands.environment(
            home, commands.free_port(), WATCHKEEPER_DATABASE_URL=url, WATCHKEEPER_WORKER_ID="bench-worker"
        )
        async with running(_own_settings(settings)) as app:
            await app.kinds.ensure_project(PROJECT)
            token = await app.identity.create_token("bench", Role.WORKER, PROJECT, actor="bench")
        yield Installation(url, {**settings, "WATCHKEEPER_TOKEN": token.secret})


def _own_settings(settings: dict[str, str]) -> Settings:
    return Settings.read({name: text for name, text in settings.items() if name.startswith("WATCHKEEPER_")})
