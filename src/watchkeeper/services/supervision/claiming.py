"""Asks for jobs while there is room: by long polls, with patience for a server that is away and a disk that is full."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from watchkeeper import __version__
from watchkeeper.domain.errors import (
    PermissionDenied,
    ServerUnreachable,
    Unauthenticated,
    UsageError,
    WatchkeeperError,
)
from watchkeeper.host.clock import boot_clock
from watchkeeper.logs import log
from watchkeeper.services.supervision.config import SupervisorConfig
from watchkeeper.services.supervision.server_link import Refused, ServerLink

FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 10.0
REFUSED_PAUSE_SECONDS = 15.0
DISK_PAUSE_SECONDS = 10.0
MOST_AT_ONCE = 100

Taken = Callable[[list[dict[str, Any]], float], Coroutine[Any, Any, None]]


def used_percent_of(place: Path) -> float:
    """Give how much of a place's disk is used, of what its user may use."""
    usage = shutil.disk_usage(place)
    return 100 * usage.used / max(usage.used + usage.free, 1)


class Claiming:
    """The claims of one worker. `taken` gets the jobs and the boot clock when they were asked for.

    `held` gives the jobs that are in this worker's hands: the server hands out again what it does not know of.
    `requested` gets what it asks of sessions.
    """

    def __init__(
        self,
        config: SupervisorConfig,
        worker_id: str,
        link: ServerLink,
        place: Path,
        held: Callable[[], list[str]],
        requested: Callable[[list[dict[str, Any]]], None] = lambda _: None,
        used_percent: Callable[[Path], float] = used_percent_of,
    ) -> None:
        self._config = config
        self._worker_id = worker_id
        self._link = link
        self._place = place
        self._held = held
        self._requested = requested
        self._used_percent = used_percent
        self._pause = FIRST_PAUSE_SECONDS
        self._disk_was_full = False
        self._away = False
        self.room = asyncio.Event()

    async def register(self, host_id: str) -> None:
        """Make this worker known, waiting for a server that is not there yet.

        Raises Unauthenticated, PermissionDenied or UsageError where the server refuses.
        """
        config = self._config
        body = {
            "worker_id": self._worker_id,
            "profile": "runtime",
            "slots": config.slots,
            "kinds": None if config.kinds is None else list(config.kinds),
            "role": config.role,
            "pool": config.pool,
            "persona": config.persona,
            "host_id": host_id,
            "version": __version__,
        }
        while True:
            try:
                await self._link.post("register", body)
            except Refused as refused:
                if refused.definite or refused.status in {401, 403}:
                    raise _as_error(refused) from refused
                log("claim_refused", detail=refused.message)
            except ServerUnreachable as error:
                self._is_away(error)
            else:
                self._is_back()
                return
            await self._rest()

    async def run(self, free: Callable[[], int], taken: Taken) -> None:
        """Claim until cancelled."""
        while True:
            self.room.clear()
            if (limit := min(free(), MOST_AT_ONCE)) < 1:
                await self.room.wait()
            elif await asyncio.to_thread(self._disk_is_full):
                await asyncio.sleep(DISK_PAUSE_SECONDS)
            else:
                await self._claim(limit, taken)

    async def _claim(self, limit: int, taken: Taken) -> None:
        config = self._config
        body: dict[str, Any] = {
            "worker_id": self._worker_id,
            "wait_seconds": config.wait_seconds,
            "limit": limit,
            "held": self._held(),
        }
        if config.kinds is not None:
            body["kinds"] = list(config.kinds)
        sent_at = boot_clock()
        try:
            answer = await self._link.post("claim", body, config.wait_seconds + 30.0)
        except Refused as refused:
            log("claim_refused", code=refused.refusal, detail=refused.message)
            await asyncio.sleep(REFUSED_PAUSE_SECONDS)
        except ServerUnreachable as error:
            self._is_away(error)
            await self._rest()
        else:
            self._is_back()
            if asked := answer.get("session_requests"):
                self._requested(asked)
            if answer["jobs"]:
                await _whole(taken(answer["jobs"], sent_at))
            elif not config.wait_seconds:
                await self._rest()

    def _is_away(self, error: ServerUnreachable) -> None:
        if not self._away:
            log("server_down", detail=error.message)
        self._away = True

    def _is_back(self) -> None:
        if self._away:
            log("server_back")
        self._away, self._pause = False, FIRST_PAUSE_SECONDS

    async def _rest(self) -> None:
        await asyncio.sleep(self._pause)
        self._pause = min(2 * self._pause, LONGEST_PAUSE_SECONDS)

    def _disk_is_full(self) -> bool:
        """Say whether a new session would meet a disk that is nearly full; told once. Those that run go on."""
        percent = self._used_percent(self._place)
        full = percent >= self._config.disk_full_percent
        if full != self._disk_was_full:
            log("disk_nearly_full" if full else "disk_has_room", percent=round(percent, 1))
        self._disk_was_full = full
        return full


async def _whole(work: Coroutine[Any, Any, None]) -> None:
    """Wait for work to its end, cancelled or not: a job that was claimed must come into somebody's hands."""
    task = asyncio.create_task(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise


def _as_error(refused: Refused) -> WatchkeeperError:
    match refused.status:
        case 401:
            return Unauthenticated(refused.message)
        case 403:
            return PermissionDenied(refused.message)
    return UsageError(refused.message)
