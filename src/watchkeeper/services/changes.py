"""The change feed: tells who listens that something changed, never what. One look a second serves all.

The number that is watched rises a moment before the change can be read; so each change is told again at the
next look, and whoever read too early reads once more.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from watchkeeper.domain.errors import DatabaseUnavailable
from watchkeeper.logs import log
from watchkeeper.storage.database import Database

LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Change:
    """A version of everything, and when it was seen. Versions rise with every audited change."""

    version: int
    at: datetime


class Changes:
    """Watches the audit trail's number while somebody listens."""

    def __init__(self, database: Database, *, look_seconds: float = LOOK_SECONDS) -> None:
        self._database = database
        self._look_seconds = look_seconds
        self._latest: Change | None = None
        self._told = 0
        self._settled = True
        self._news = asyncio.Condition()
        self._listeners = 0
        self._watching: asyncio.Task[None] | None = None
        self._stopped = False

    async def listen(self) -> AsyncGenerator[Change]:
        """Give the present version at once, then each newer one that is seen, until `stop()`."""
        self._listeners += 1
        try:
            if self._watching is None:
                self._watching = asyncio.create_task(self._watch(), name="watchkeeper-changes")
            heard = -1
            while not self._stopped:
                async with self._news:
                    while not self._stopped and (self._latest is None or self._told == heard):
                        await self._news.wait()
                    heard, latest = self._told, self._latest
                if latest is not None and not self._stopped:
                    yield latest
        finally:
            self._listeners -= 1
            if not self._listeners:
                await self._rest()

    async def stop(self) -> None:
        """End all listening; safe to repeat."""
        self._stopped = True
        async with self._news:
            self._news.notify_all()
        await self._rest()

    async def _rest(self) -> None:
        task, self._watching, self._latest = self._watching, None, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _watch(self) -> None:
        outage = False
        while True:
            try:
                row = await self._database.fetch_one("change_mark")
                if row is not None:
                    await self._tell(Change(row["mark"], row["at"]))
            except DatabaseUnavailable as error:
                if not outage:
                    log("database_down", what="changes", detail=error.message)
                outage = True
            except Exception as error:  # noqa: BLE001 - a watch that ends unseen leaves its listeners waiting for ever
                if not outage:
                    detail = f"{type(error).__name__}: {error}"
                    log("duty_failed", duty="changes", code="internal_error", detail=detail)
                outage = True
            else:
                outage = False
            await asyncio.sleep(self._look_seconds)

    async def _tell(self, seen: Change) -> None:
        is_first = self._latest is None
        changed = self._latest is None or self._latest.version != seen.version
        if not changed and self._settled:
            return
        self._settled = is_first or not changed
        async with self._news:
            self._latest = seen
            self._told += 1
            self._news.notify_all()
