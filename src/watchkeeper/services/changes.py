"""The change feed: tells who listens that something of theirs changed, never what. One look at a time serves all.

Each project has a feed of its own: who listens to one learns nothing of the others, not even how much they do. The
feed looks, and waits for no notification: each is a lock of the whole database at its commit, which the queue does not
pay to please a reader.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from watchkeeper.domain.errors import DatabaseUnavailable
from watchkeeper.logs import log
from watchkeeper.services.topics import QUEUE, Thing, Watched
from watchkeeper.storage.database import Database

LOOK_SECONDS = 0.25
"""With the reader's own way to the page (static/console.js) a change is seen within a second."""

Key = str | Thing | None
"""What a listener may follow: a project's trail, one thing, or with None the trails of all."""


@dataclass(frozen=True, slots=True)
class Change:
    """A version of what a listener sees, and when it was seen. Versions rise; they count milliseconds, not changes."""

    version: int
    at: datetime
    topic: str = QUEUE


class Changes:
    """Watches the audit trail, and the things that are asked for, while somebody listens."""

    def __init__(self, database: Database, *, look_seconds: float = LOOK_SECONDS) -> None:
        self._database = database
        self._look_seconds = look_seconds
        self._begun: Change | None = None
        self._version = 0
        self._of: dict[Key, Change] = {}
        self._watched = Watched(database)
        self._since: str | None = None
        self._news = asyncio.Condition()
        self._listeners = 0
        self._watching: asyncio.Task[None] | None = None
        self._stopped = False

    async def listen(
        self, project_id: str | None = None, things: frozenset[Thing] | None = None
    ) -> AsyncGenerator[Change]:
        """Give the present version, then each newer one that is seen, until `stop()`.

        That of one project's trail, or of all with None; with `things` that of these instead, from the next look on.
        """
        keys: list[Key] = [project_id] if things is None else list(things)
        self._listeners += 1
        try:
            with self._watched.by_one_more(things or frozenset()):
                if self._watching is None:
                    self._watching = asyncio.create_task(self._watch(), name="watchkeeper-changes")
                heard: Change | None = None
                while not self._stopped:
                    async with self._news:
                        while not self._stopped and self._latest(keys) == heard:
                            await self._news.wait()
                        heard = self._latest(keys)
                    if heard is not None and not self._stopped:
                        yield heard
        finally:
            self._listeners -= 1
            if not self._listeners:
                await self._rest()

    def _latest(self, keys: list[Key]) -> Change | None:
        begun = {key: None if isinstance(key, Thing) else self._begun for key in keys}
        known = [change for key in keys if (change := self._of.get(key, begun[key])) is not None]
        return max(known, key=lambda change: change.version, default=None)

    async def stop(self) -> None:
        """End all listening; safe to repeat."""
        self._stopped = True
        async with self._news:
            self._news.notify_all()
        await self._rest()

    async def _rest(self) -> None:
        task, self._watching = self._watching, None
        self._begun = self._since = None
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
        things = await self._watched.changed()
        row = await self._database.fetch_one("changed_projects", {"since": self._since})
        if row is None:
            return
        is_first, self._since = self._since is None, row["snapshot"]
        if not (is_first or row["projects"] or things):
            return
        self._version = max(int(row["at"].timestamp() * 1000), self._version + 1)
        news = Change(self._version, row["at"])
        async with self._news:
            if is_first:
                self._begun = news
            elif row["projects"]:
                self._of |= dict.fromkeys((None, *row["projects"]), news)
            self._of = {key: one for key, one in self._of.items() if key in self._watched} | {
                thing: Change(self._version, row["at"], thing.topic) for thing in things
            }
            self._news.notify_all()
