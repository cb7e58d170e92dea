"""Claims batches on a connection of its own, and sleeps until somebody enqueues when there is nothing to claim."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from watchkeeper.domain.claims import ClaimedJob
from watchkeeper.domain.errors import DatabaseUnavailable
from watchkeeper.host.clock import boot_clock
from watchkeeper.logs import log
from watchkeeper.services.queue import Queue
from watchkeeper.services.redelivery import unheard
from watchkeeper.storage.database import Connection, Database, broken_off, connect, fetch
from watchkeeper.storage.driver_errors import driver_errors

POLL_SECONDS = 5.0
"""How soon a job is found whose wake-up was lost."""

SECOND_LOOK_SECONDS = 0.05
"""After falling asleep: an enqueue that looked for sleepers just before would have woken nobody."""

NOTE_AGAIN_SECONDS = 300.0
"""Half of the time after which a sleeper's note is taken for a dead worker's."""

LAST_NOTE_SECONDS = 1.0
NEVER = float("-inf")
RETRY_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class ClaimingConfig:
    project_id: str
    worker_id: str
    kinds: Sequence[str]
    poll_seconds: float = POLL_SECONDS


class Claimer:
    """Gives batches of claimed jobs, one call at a time; `held` names those that this process has in hand."""

    def __init__(
        self, config: ClaimingConfig, database: Database, queue: Queue, held: Callable[[], list[str]]
    ) -> None:
        self._config = config
        self._database = database
        self._queue = queue
        self._held = held
        self._may_have_missed = False
        self._connection: Connection | None = None
        self._woken = asyncio.Event()
        self._listener: asyncio.Task[None] | None = None
        self._noted_at = NEVER
        self.asked_at = NEVER
        """The boot clock when the last claim was sent: its leases last from then on, as far as this process knows."""

    def wake(self) -> None:
        """End a sleep: there may be something to claim, or a reason to stop."""
        self._woken.set()

    async def claim(self, limit: int) -> list[ClaimedJob]:
        """Claim up to `limit` jobs; none is an answer, also while the database is away."""
        # Before the claim looks: a wake-up from now on may be for what it does not see.
        self._woken.clear()
        try:
            with driver_errors():
                connection = await self._ready_connection()
                self.asked_at = boot_clock()
                if self._may_have_missed and (missed := await self._missed(connection, limit)):
                    return missed
                self._may_have_missed = False
                jobs = await self._queue.claim(
                    self._config.project_id,
                    self._config.worker_id,
                    self._config.kinds,
                    limit=limit,
                    profile="runtime",
                    connection=connection,
                    at_once=True,
                )
        except DatabaseUnavailable as error:
            self._may_have_missed = True
            log("database_down", what="claim", detail=error.message)
            await self._wait(RETRY_SECONDS)
            return []
        return jobs

    async def _missed(self, connection: Connection, limit: int) -> list[ClaimedJob]:
        """Give what an earlier claim got whose answer did not arrive: it was committed, and nobody works on it."""
        config = self._config
        async with connection.transaction():
            return await unheard(
                connection,
                config.project_id,
                config.worker_id,
                held=self._held(),
                kinds=config.kinds,
                limit=limit,
            )

    async def sleep(self, limit: int) -> list[ClaimedJob]:
        """Wait for work, as a known sleeper; give what could be claimed on waking."""
        self._start_listening()
        looks = [self._config.poll_seconds]
        if time.monotonic() - self._noted_at > NOTE_AGAIN_SECONDS:
            await self._note("fall_asleep")
            self._noted_at = time.monotonic()
            looks = [0.0, SECOND_LOOK_SECONDS, self._config.poll_seconds]
        for seconds in looks:
            woken = await self._wait(seconds)
            if (jobs := await self.claim(limit)) or woken:
                return jobs
        return []

    async def stay_awake(self) -> None:
        """Be no known sleeper: while one claim after another finds work, who enqueues need not notify."""
        if self._noted_at != NEVER:
            self._noted_at = NEVER
            await self._note("wake_up")

    async def close(self) -> None:
        if self._listener is not None:
            await broken_off([self._listener])
        waking = asyncio.create_task(self._note("wake_up"))
        await asyncio.wait({waking}, timeout=LAST_NOTE_SECONDS)
        await broken_off([waking])
        if self._connection is not None:
            await self._connection.close()

    async def _wait(self, seconds: float) -> bool:
        if seconds == 0.0:
            return False
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return False
        return True

    async def _note(self, name: str) -> None:
        arguments = {
            "project_id": self._config.project_id,
            "worker_id": self._config.worker_id,
            "kinds": list(self._config.kinds),
        }
        # Only who gets woken hangs on it; polling finds the job all the same.
        with suppress(DatabaseUnavailable), driver_errors():
            await fetch(await self._ready_connection(), name, arguments)

    async def _ready_connection(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._connection = await connect(self._database.config)
        return self._connection

    def _start_listening(self) -> None:
        if self._listener is None or self._listener.done():
            self._listener = asyncio.create_task(self._listen(), name="watchkeeper-listener")

    async def _listen(self) -> None:
        try:
            async for _channel, project_id in self._database.listen(["watchkeeper_ready"]):
                if project_id == self._config.project_id:
                    self._woken.set()
        except DatabaseUnavailable as error:
            log("database_down", what="listen", detail=error.message)
