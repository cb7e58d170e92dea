"""Wake-ups inside one process: who waits for a project's work is woken by the database's notifications."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from watchkeeper.domain.errors import DatabaseUnavailable
from watchkeeper.logs import log
from watchkeeper.storage.database import Database

RECONNECT_SECONDS = 2.0


@dataclass(eq=False, slots=True)
class Waiter:
    _event: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self) -> None:
        self._event.set()

    async def wait(self, seconds: float) -> bool:
        """Wait to be woken, at most so long; say whether it was. One waking ends one wait."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._event.wait()
        woken = self._event.is_set()
        self._event.clear()
        return woken


class Wakeups:
    """Fans the notification "a job became claimable" out to those who wait in this process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiters: dict[str, set[Waiter]] = defaultdict(set)
        self._listening: asyncio.Task[None] | None = None

    @contextmanager
    def expect(self, project_id: str) -> Iterator[Waiter]:
        """Begin to wait for a project's work, before looking for it: nothing falls between look and wait."""
        waiter = Waiter()
        self._waiters[project_id].add(waiter)
        try:
            yield waiter
        finally:
            self._waiters[project_id].discard(waiter)

    def wake_all(self) -> None:
        """Wake everybody who waits, so that they look whether they still should."""
        for waiters in self._waiters.values():
            for waiter in waiters:
                waiter.wake()

    def start(self) -> None:
        if self._listening is None:
            self._listening = asyncio.create_task(self._listen(), name="watchkeeper-wakeups")

    async def stop(self) -> None:
        """Stop listening; safe to repeat."""
        if self._listening is not None:
            self._listening.cancel()
            with suppress(asyncio.CancelledError):
                await self._listening
            self._listening = None

    async def _listen(self) -> None:
        if self._database.config.listen_url is None:
            return
        while True:
            try:
                async for _channel, project_id in self._database.listen(["watchkeeper_ready"]):
                    for waiter in self._waiters[project_id]:
                        waiter.wake()
            except DatabaseUnavailable as error:
                log("database_down", what="listen", detail=error.message)
            except Exception as error:  # noqa: BLE001 - who waits to be woken cannot see that nobody listens any more
                detail = f"{type(error).__name__}: {error}"
                log("duty_failed", duty="listen", code="internal_error", detail=detail)
            await asyncio.sleep(RECONNECT_SECONDS)
