"""What was refused at the door, as the audit trail keeps it: so many rows a minute, however often somebody knocks."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from watchkeeper.domain.errors import DatabaseUnavailable
from watchkeeper.domain.principals import SYSTEM_PROJECT
from watchkeeper.logs import log
from watchkeeper.storage.database import Database

WINDOW_SECONDS = 60.0
KINDS_A_WINDOW = 50
"""So many kinds of refusals get a row of their own in a window; all others share one."""

OTHERS = "others"


@dataclass(frozen=True, slots=True)
class Refusal:
    """What was refused to whom: `what` is the address or the act."""

    event: str
    project_id: str
    actor: str
    what: str

    @classmethod
    def of_login(cls, address: str, door: str) -> Refusal:
        return cls("login_failed", SYSTEM_PROJECT, f"address:{address}", door)


class Refusals:
    """Counts refusals: the first is written at once, what comes within the next minute in one row of its kind."""

    def __init__(self, database: Database, pause: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._database = database
        self._pause = pause
        self._counts: Counter[Refusal] = Counter()
        self._writing: asyncio.Task[None] | None = None

    def note(self, refusal: Refusal) -> None:
        """Count one; returns at once, and never raises."""
        if refusal not in self._counts and len(self._counts) >= KINDS_A_WINDOW:
            refusal = replace(refusal, project_id=SYSTEM_PROJECT, actor=OTHERS, what=OTHERS)
        self._counts[refusal] += 1
        if self._writing is None:
            self._writing = asyncio.create_task(self._write(), name="watchkeeper-refusals")

    async def stop(self) -> None:
        """Write what is counted and rest; safe to repeat."""
        task, self._writing = self._writing, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            await self._flush()

    async def _write(self) -> None:
        while self._counts:
            await self._flush()
            await self._pause(WINDOW_SECONDS)
        self._writing = None

    async def _flush(self) -> None:
        """Write down what is counted; in an outage it stays counted."""
        counted, self._counts = self._counts, Counter()
        if not counted:
            return
        try:
            await self._database.fetch(
                "record_refusals",
                {
                    "events": [refusal.event for refusal in counted],
                    "projects": [refusal.project_id for refusal in counted],
                    "actors": [refusal.actor for refusal in counted],
                    "whats": [refusal.what for refusal in counted],
                    "counts": list(counted.values()),
                },
            )
        except DatabaseUnavailable as error:
            log("database_down", what="refusals", detail=error.message)
            for refusal, count in counted.items():
                self._counts[refusal] += count
