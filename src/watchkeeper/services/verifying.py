"""Keeps a lease alive while the server checks its job's evidence: the holder waits, and has nothing to renew with."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from watchkeeper.domain.errors import DatabaseUnavailable, StaleLease
from watchkeeper.logs import log
from watchkeeper.services.holding import Holding
from watchkeeper.services.queue import Queue

LONGEST_SECONDS = 600.0
"""After so long a lease is its holder's own to renew again."""

T = TypeVar("T")


class Verifying:
    """Runs checks under their leases. `wait` and `clock` count seconds."""

    def __init__(
        self,
        queue: Queue,
        *,
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._queue = queue
        self._wait = wait
        self._clock = clock

    async def during(self, project_id: str, holding: Holding, check: Coroutine[Any, Any, T]) -> T:
        """Give what a check comes to; end it and raise StaleLease as soon as the lease is found lost."""
        checking = asyncio.ensure_future(check)
        extending = asyncio.ensure_future(self._extend(project_id, holding))
        try:
            await asyncio.wait({checking, extending}, return_when=asyncio.FIRST_COMPLETED)
            if not checking.done() and extending.result():
                raise StaleLease
            return await checking
        finally:
            for task in (checking, extending):
                task.cancel()
            await asyncio.gather(checking, extending, return_exceptions=True)

    async def _extend(self, project_id: str, holding: Holding) -> bool:
        """Renew at each third of the lease; say whether it was lost."""
        until = self._clock() + LONGEST_SECONDS
        while self._clock() < until:
            await self._wait(holding.seconds / 3)
            try:
                renewed = await self._queue.renew(project_id, [holding.lease])
            except DatabaseUnavailable as error:
                log("lease_not_extended", job=holding.claim.job_id, detail=error.message)
                continue
            if holding.claim.seq not in renewed:
                return True
        return False
