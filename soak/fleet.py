"""A real fleet for faults: a server, the watch, worker processes that come back, and a queue of jobs."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field

import psycopg

from bench.commands import PROGRAM, environment, free_port
from bench.crew import running
from soak.handlers import KIND, handlers
from soak.network import Network
from soak.places import Place
from watchkeeper.app.whole import App
from watchkeeper.app.whole import running as app_running
from watchkeeper.services.enqueueing import JobRequest
from watchkeeper.settings import Settings

PROJECT = "soak"
WORKERS, SLOTS = 3, 4
JOB_SECONDS = 0.25
SETTLE_SECONDS = 4.0
"""The reaper leaves everyone a whole lease of quiet after its first look."""


@dataclass(slots=True)
class Fleet:
    """`disturbed` are the workers that a fault touched: of these alone a lease may be lost."""

    app: App
    network: Network
    place: Place
    workers: dict[str, subprocess.Popen[str]] = field(default_factory=dict)
    disturbed: set[str] = field(default_factory=set)
    stack: ExitStack = field(default_factory=ExitStack)
    _started: int = 0

    @property
    def admin_url(self) -> str:
        return self.place.admin_url

    def restart(self) -> None:
        self.place.restart()

    def hire(self, *, directly: bool = False) -> str:
        """Start one more worker process; behind the network, or past it."""
        url = self.place.url if directly else self.place.url_by(self.network.directory)
        self._started += 1
        name = f"worker-{self._started}"
        surroundings = environment(
            self.place.scratch / name,
            free_port(),
            WATCHKEEPER_DATABASE_URL=url,
            WATCHKEEPER_LOG_LEVEL="error",
        )
        command = [*PROGRAM, "work", "--app", "soak.handlers:handlers", "--project", PROJECT]
        command += ["--worker-id", name, "--slots", str(SLOTS)]
        self.workers[name] = self.stack.enter_context(running(command, surroundings, quiet=True))
        return name

    def signal(self, name: str, number: signal.Signals) -> None:
        self.disturbed.add(name)
        os.kill(self.workers[name].pid, number)

    def execute(self, statement: str, *arguments: object) -> None:
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            connection.execute(statement.encode(), arguments)

    async def enqueue(self, count: int) -> None:
        requests = [JobRequest(KIND, {"seconds": JOB_SECONDS}) for _ in range(count)]
        await self.app.queue.enqueue(PROJECT, requests, actor="soak")


@asynccontextmanager
async def fleet(place: Place) -> AsyncIterator[Fleet]:
    """Give a fleet at rest on an empty database; none of its processes outlives the block."""
    scratch, url = place.scratch, place.url
    async with (
        app_running(Settings(home=scratch / "home", database_url=url)) as app,
        Network(place.socket, scratch / "network") as network,
    ):
        await app.kinds.ensure_project(PROJECT)
        for handler in handlers:
            await app.kinds.declare(PROJECT, handler.kind, actor="soak")
        made = Fleet(app, network, place)
        with made.stack:
            surroundings = environment(
                scratch / "watch", free_port(), WATCHKEEPER_DATABASE_URL=url, WATCHKEEPER_LOG_LEVEL="error"
            )
            made.stack.enter_context(running([*PROGRAM, "watch"], surroundings, quiet=True))
            for _ in range(WORKERS):
                made.hire()
            await asyncio.sleep(SETTLE_SECONDS)
            yield made
