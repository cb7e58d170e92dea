"""Reports the ends of attempts in batches, on a connection of its own, until the database has taken them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial

from watchkeeper.domain.errors import DatabaseUnavailable
from watchkeeper.logs import log
from watchkeeper.services.queue import AttemptEnd, Queue
from watchkeeper.storage.database import Connection, DatabaseConfig, connect
from watchkeeper.storage.driver_errors import driver_errors
from watchkeeper.storage.jobs import Completion, HeldLease

FLUSH_SECONDS = 0.002
"""How long a report may wait for company: far under a commit's own time, so that it costs nothing alone."""

RETRY_SECONDS = 0.5


@dataclass(slots=True)
class _Batch:
    completions: list[Completion] = field(default_factory=list)
    ends: list[AttemptEnd] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.completions) + len(self.ends)


class Reporter:
    """Takes ends of attempts and writes them; `on_reported` gets the leases that this process holds no more.

    While the database is away reports wait and are tried again: repeating one is safe, since a lease ends once.
    """

    def __init__(
        self,
        database: DatabaseConfig,
        queue: Queue,
        project_id: str,
        actor: str,
        batch: int,
        on_reported: Callable[[list[HeldLease]], None],
    ) -> None:
        self._database = database
        self._queue = queue
        self._project_id = project_id
        self._actor = actor
        self._batch_size = batch
        self._on_reported = on_reported
        self._waiting = _Batch()
        self._something = asyncio.Event()
        self._full = asyncio.Event()
        self._closing = False
        self._connection: Connection | None = None

    def completed(self, completion: Completion) -> None:
        self._waiting.completions.append(completion)
        self._note()

    def ended(self, end: AttemptEnd) -> None:
        self._waiting.ends.append(end)
        self._note()

    def _note(self) -> None:
        if not self._something.is_set():
            self._something.set()
        if len(self._waiting) >= self._batch_size:
            self._full.set()

    def close(self) -> None:
        """Let `run` end once everything is reported."""
        self._closing = True
        self._something.set()
        self._full.set()

    async def run(self) -> None:
        try:
            while True:
                await self._something.wait()
                if not self._waiting and self._closing:
                    return
                if not self._full.is_set():
                    await self._gather_company()
                batch, self._waiting = self._waiting, _Batch()
                if not self._closing:
                    self._something.clear()
                    self._full.clear()
                await self._write_until_taken(batch)
        finally:
            if self._connection is not None:
                await self._connection.close()

    async def _gather_company(self) -> None:
        try:
            async with asyncio.timeout(FLUSH_SECONDS):
                await self._full.wait()
        except TimeoutError:
            return  # the wait is over: what is there goes out

    async def _write_until_taken(self, batch: _Batch) -> None:
        # Each kind is a transaction of its own: one statement needs no more, and one trip is the least.
        completed = [done.lease for done in batch.completions]
        await self._until_written(completed, partial(self._complete, batch.completions))
        await self._until_written([end.lease for end in batch.ends], partial(self._end, batch.ends))

    async def _until_written(
        self, leases: list[HeldLease], write: Callable[[Connection], Awaitable[set[int]]]
    ) -> None:
        while leases:
            try:
                with driver_errors():
                    taken = await write(await self._ready_connection())
            except DatabaseUnavailable as error:
                log("database_down", what="report", detail=error.message)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            if refused := [lease.seq for lease in leases if lease.seq not in taken]:
                log("report_rejected", code="stale_lease", jobs=len(refused), first=refused[0])
            self._on_reported(leases)
            return

    async def _complete(self, completions: list[Completion], connection: Connection) -> set[int]:
        return await self._queue.complete(self._project_id, self._actor, completions, connection=connection)

    async def _end(self, ends: list[AttemptEnd], connection: Connection) -> set[int]:
        async with connection.transaction():
            return set(await self._queue.end(self._project_id, self._actor, ends, connection=connection))

    async def _ready_connection(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._connection = await connect(self._database)
        return self._connection
