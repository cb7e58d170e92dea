"""The change feed: tells who listens that something of theirs changed, never what. One look a second serves all.

Each project has a feed of its own: who listens to one learns nothing of the others, not even how much they do.
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
    """A version of what a listener sees, and when it was seen. Versions rise; they count milliseconds, not changes."""

    version: int
    at: datetime


class Changes:
    """Watches the audit trail while somebody listens."""

    def __init__(self, database: Database, *, look_seconds: float = LOOK_SECONDS) -> None:
        self._database = database
        self._look_seconds = look_seconds
        self._begun: Change | None = None
        self._newest: Change | None = None
        self._of: dict[str, Change] = {}
        self._since: str | None = None
        self._news = asyncio.Condition()
        self._listeners = 0
        self._watching: asyncio.Task[None] | None = None
        self._stopped = False

    async def listen(self, project_id: str | None = None) -> AsyncGenerator[Change]:
        """Give the present version at once, then each newer one that is seen, until `stop()`.

        That of one project, or of all with None.
        """
        self._listeners += 1
        try:
            if self._watching is None:
                self._watching = asyncio.create_task(self._watch(), name="watchkeeper-changes")
            heard: Change | None = None
            while not self._stopped:
                async with self._news:
                    while not self._stopped and self._latest(project_id) == heard:
                        await self._news.wait()
                    heard = self._latest(project_id)
                if heard is not None and not self._stopped:
                    yield heard
        finally:
            self._listeners -= 1
            if not self._listeners:
                await self._rest()

    def _latest(self, project_id: str | None) -> Change | None:
        return self._newest if project_id is None else self._of.get(project_id, self._begun)

    async def stop(self) -> None:
        """End all listening; safe to repeat."""
        self._stopped = True
        async with self._news:
            self._news.notify_all()
        await self._rest()

    async def _rest(self) -> None:
        task, self._watching = self._watching, None
        self._begun = self._newest = self._since = None
        self._of = {}
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _watch(self) -> None:
        outage = False
        while True:
            try:
                await self._look()
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

    async def _look(self) -> None:
        row = await self._database.fetch_one("changed_projects", {"since": self._since})
        if row is None:
            return
        is_first, self._since = self._since is None, row["snapshot"]
        if not is_first and not row["projects"]:
            return
        version = int(row["at"].timestamp() * 1000)
        if self._newest is not None:
            version = max(version, self._newest.version + 1)
        async with self._news:
            self._newest = Change(version, row["at"])
            if is_first:
                self._begun = self._newest
            for project_id in row["projects"]:
                self._of[project_id] = self._newest
            self._news.notify_all()
