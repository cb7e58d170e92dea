"""The two peers as the measurements use them: install, enqueue, count what is finished, fill a table."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib import resources
from typing import Any, Protocol

import asyncpg
from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries

from bench.product import ClientLane, client_lane

BATCH = 1_000
"""Jobs of one bulk call, for both peers."""

SEEDS = 1_000
"""Real rows that a deep table is copied from."""


class Lane(Protocol):
    """An open, warm way to enqueue."""

    async def enqueue(self, payloads: Sequence[Any]) -> None: ...

    async def enqueue_one(self, payload: Any) -> None: ...


class Peer(Protocol):
    """What a measurement may ask of either peer.

    A lane keeps jobs apart: it is a project of ours and an entrypoint of theirs. `queue` is the table that
    claims read.
    """

    name: str
    queue: str
    lock: str
    finished: str
    mark: str
    copy_finished: str
    copy_queued: str

    async def install(self, url: str) -> None: ...

    def lane(self, url: str, lane: str) -> AbstractAsyncContextManager[Lane]: ...

    async def before_copying(self, url: str) -> None: ...


class Watchkeeper:
    """Ours, through the Python interface."""

    name = "watchkeeper"
    queue = "watchkeeper.ready_jobs"
    lock = "LOCK TABLE watchkeeper.ready_jobs"

    def __init__(self) -> None:
        self.finished = sql("watchkeeper_finished")
        self.mark = sql("watchkeeper_mark")
        self.copy_finished = sql("watchkeeper_copy_finished")
        self.copy_queued = sql("watchkeeper_copy_queued")

    async def install(self, url: str) -> None:
        async with client_lane(url, "bench"):
            """Opening it has made the schema."""

    @asynccontextmanager
    async def lane(self, url: str, lane: str) -> AsyncIterator[ClientLane]:
        async with client_lane(url, lane) as client:
            yield client

    async def before_copying(self, url: str) -> None:
        """Nothing: its rows are final when a job is."""


class PgQueuerLane:
    """Ways into one entrypoint over one connection."""

    def __init__(self, queries: Queries, lane: str) -> None:
        self._queries = queries
        self._lane = lane

    async def enqueue(self, payloads: Sequence[Any]) -> None:
        count = len(payloads)
        bodies: list[bytes | None] = [json.dumps(payload).encode() for payload in payloads]
        await self._queries.enqueue([self._lane] * count, bodies, [0] * count)

    async def enqueue_one(self, payload: Any) -> None:
        await self._queries.enqueue(self._lane, json.dumps(payload).encode())


class PgQueuer:
    """The fastest peer known, as its documentation installs it: asyncpg, its durable default schema."""

    name = "pgqueuer"
    queue = "pgqueuer"
    lock = "LOCK TABLE pgqueuer"

    def __init__(self) -> None:
        self.finished = sql("pgqueuer_finished")
        self.mark = sql("pgqueuer_mark")
        self.copy_finished = sql("pgqueuer_copy_finished")
        self.copy_queued = sql("pgqueuer_copy_queued")

    async def install(self, url: str) -> None:
        async with self._queries(url) as queries:
            await queries.install()

    @asynccontextmanager
    async def lane(self, url: str, lane: str) -> AsyncIterator[PgQueuerLane]:
        async with self._queries(url) as queries:
            yield PgQueuerLane(queries, lane)

    async def before_copying(self, url: str) -> None:
        """Fold its log as its workers do every 30 s, so that no worker has the copies' folding before it."""
        async with self._queries(url) as queries:
            await queries.aggregate_logs()

    @asynccontextmanager
    async def _queries(self, url: str) -> AsyncIterator[Queries]:
        connection = await asyncpg.connect(url)
        try:
            yield Queries(AsyncpgDriver(connection))
        finally:
            await connection.close()


def peers(turn: int) -> list[Peer]:
    """Give both peers; who begins changes with each turn."""
    both: list[Peer] = [Watchkeeper(), PgQueuer()]
    return both if turn % 2 == 0 else both[::-1]


async def enqueue_all(lane: Lane, jobs: int) -> float:
    """Enqueue no-op jobs in bulk calls, one commit each, and give the seconds it took."""
    payloads = [{"i": number} for number in range(jobs)]
    begun = time.perf_counter()
    for first in range(0, jobs, BATCH):
        await lane.enqueue(payloads[first : first + BATCH])
    return time.perf_counter() - begun


def sql(name: str) -> str:
    return (resources.files(__package__) / "sql" / f"{name}.sql").read_text(encoding="utf-8")
