"""Patience demanded of who guesses tokens and codes, at the API and at the console's door alike."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from watchkeeper.domain.errors import RateLimited

REMEMBERED_ADDRESSES = 4_096


@dataclass(frozen=True, slots=True)
class LoginPatience:
    """How failed logins are slowed down.

    After `free_failures` of one address within `forget_seconds` each further one is answered later, the first
    after `first_delay` seconds, each next after twice that, at most `longest_delay`. At most `delayed_at_once`
    wait so; further ones are sent away.
    """

    free_failures: int = 5
    forget_seconds: float = 300.0
    first_delay: float = 0.25
    longest_delay: float = 5.0
    delayed_at_once: int = 64


class FailedLogins:
    """Remembers, for a while, from where tokens were tried that are none."""

    def __init__(
        self,
        patience: LoginPatience,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._patience = patience
        self._clock = clock
        self._pause = pause
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._delayed = 0

    async def slow_down(self, address: str) -> None:
        """Count a failure of an address and let it wait; raise RateLimited where too many wait already.

        Called before a credential is looked at it bounds the guesses of one moment too; then `take_back` a good one.
        """
        delay = self._delay(self._count(address))
        if not delay:
            return
        if self._delayed >= self._patience.delayed_at_once:
            raise RateLimited("too many failed logins", retry_after=self._patience.longest_delay)
        self._delayed += 1
        try:
            await self._pause(delay)
        finally:
            self._delayed -= 1

    def take_back(self, address: str) -> None:
        """Uncount what was counted before it turned out to be no failure."""
        if (known := self._failures.pop(address, None)) and known[0] > 1:
            self._failures[address] = (known[0] - 1, known[1])

    def _count(self, address: str) -> int:
        now = self._clock()
        count, last = self._failures.pop(address, (0, now))
        if now - last > self._patience.forget_seconds:
            count = 0
        self._failures[address] = (count + 1, now)
        if len(self._failures) > REMEMBERED_ADDRESSES:
            self._failures.popitem(last=False)
        return count + 1

    def _delay(self, failures: int) -> float:
        beyond = failures - self._patience.free_failures
        if beyond <= 0:
            return 0.0
        return min(self._patience.longest_delay, self._patience.first_delay * 2.0 ** min(beyond - 1, 20))
