"""The one shape of every periodic duty: `run_once()` does a bounded piece of work and says what it did."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from watchkeeper.domain.errors import DatabaseUnavailable, SettingError, WatchkeeperError
from watchkeeper.logs import log
from watchkeeper.storage.database import broken_off

TRACEBACK_FRAMES = 30


@dataclass(frozen=True, slots=True)
class Ran:
    """What one run did, and in how many seconds it wants to run next (None: after its interval)."""

    counts: Mapping[str, int]
    next_in: float | None = None


@dataclass(frozen=True, slots=True)
class Duty:
    """A name, the work, and the longest pause between two runs, in seconds.

    `when_still`: it runs though a restored database stands still, since it moves nothing. `at_end` ends what it left
    running beside itself.
    """

    name: str
    run_once: Callable[[], Awaitable[Ran]]
    interval: float
    when_still: bool = False
    at_end: Callable[[], Awaitable[None]] | None = None

    def __post_init__(self) -> None:
        if self.interval <= 0:
            raise SettingError(f"the interval of {self.name} is {self.interval:g} s; it is more than 0")


class Duties:
    """Runs duties side by side, each in its own task, until stopped. An outage is logged once, at its begin and end.

    While `stands_still` says so, those that move something rest.
    """

    def __init__(self, *duties: Duty, stands_still: Callable[[], Awaitable[bool]] | None = None) -> None:
        self._duties = duties
        self._stands_still = stands_still
        self._tasks: list[asyncio.Task[None]] = []
        self._outage = False

    def start(self) -> None:
        """Begin; safe to repeat."""
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._repeat(duty), name=duty.name) for duty in self._duties]

    async def stop(self) -> None:
        """End after the runs under way are broken off at their next await; safe to repeat."""
        await broken_off(self._tasks)
        self._tasks = []
        for duty in self._duties:
            if duty.at_end is not None:
                await duty.at_end()

    async def _run(self, duty: Duty) -> Ran:
        if not duty.when_still and self._stands_still is not None and await self._stands_still():
            return Ran({})
        return await duty.run_once()

    async def _repeat(self, duty: Duty) -> None:
        while True:
            pause = duty.interval
            try:
                ran = await self._run(duty)
            except DatabaseUnavailable as error:
                if not self._outage:
                    self._outage = True
                    log("database_down", what=duty.name, detail=error.message)
                pause = min(duty.interval, 1.0)
            except WatchkeeperError as error:
                log("duty_failed", duty=duty.name, code=error.code, detail=error.message)
            except Exception as error:  # noqa: BLE001 - a duty that ends unseen is worse than one that fails aloud
                trace = "".join(traceback.format_exception(error, limit=-TRACEBACK_FRAMES))
                log("duty_failed", duty=duty.name, code="internal_error", detail=str(error), traceback=trace)
            else:
                if self._outage:
                    self._outage = False
                    log("database_back", what=duty.name)
                if done := {what: count for what, count in ran.counts.items() if count}:
                    log("duty_ran", duty=duty.name, **done)
                if ran.next_in is not None:
                    pause = max(0.0, min(duty.interval, ran.next_in))
            await asyncio.sleep(pause)
