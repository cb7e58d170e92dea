"""How often somebody may ask: a bucket of requests per token, and patience demanded of who guesses tokens."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from watchkeeper.domain.errors import RateLimited

REMEMBERED_TOKENS = 10_000
REMEMBERED_ADDRESSES = 4_096


@dataclass(frozen=True, slots=True)
class ApiLimits:
    """Requests a second for a token of a person and of a worker; how failed logins are slowed down.

    After `free_failures` of one address within `forget_seconds` each further one is answered later, the first
    after `first_delay` seconds, each next after twice that, at most `longest_delay`. At most `delayed_at_once`
    wait so; further ones are sent away.
    """

    interactive_per_second: float = 100.0
    worker_per_second: float = 2000.0
    free_failures: int = 5
    forget_seconds: float = 300.0
    first_delay: float = 0.25
    longest_delay: float = 5.0
    delayed_at_once: int = 64


class Buckets:
    """A token bucket for each caller; holds one second's worth of requests."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: OrderedDict[bytes, tuple[float, float]] = OrderedDict()

    def take(self, caller: bytes, per_second: float) -> None:
        """Take one request; raise RateLimited where there is none left."""
        now = self._clock()
        level, seen = self._buckets.pop(caller, (per_second, now))
        level = min(per_second, level + (now - seen) * per_second)
        self._buckets[caller] = (max(level - 1, 0.0) if level >= 1 else level, now)
        if len(self._buckets) > REMEMBERED_TOKENS:
            self._buckets.popitem(last=False)
        if level < 1:
            raise RateLimited(
                f"this token may ask {per_second:g} times a second", retry_after=(1 - level) / per_second
            )


class FailedLogins:
    """Remembers, for a while, from where tokens were tried that are none."""

    def __init__(
        self,
        limits: ApiLimits,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._limits = limits
        self._clock = clock
        self._pause = pause
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._delayed = 0

    async def slow_down(self, address: str) -> None:
        """Count a failure of an address and let it wait; raise RateLimited where too many wait already."""
        delay = self._delay(self._count(address))
        if not delay:
            return
        if self._delayed >= self._limits.delayed_at_once:
            raise RateLimited("too many failed logins", retry_after=self._limits.longest_delay)
        self._delayed += 1
        try:
            await self._pause(delay)
        finally:
            self._delayed -= 1

    def _count(self, address: str) -> int:
        now = self._clock()
        count, last = self._failures.pop(address, (0, now))
        if now - last > self._limits.forget_seconds:
            count = 0
        self._failures[address] = (count + 1, now)
        if len(self._failures) > REMEMBERED_ADDRESSES:
            self._failures.popitem(last=False)
        return count + 1

    def _delay(self, failures: int) -> float:
        beyond = failures - self._limits.free_failures
        if beyond <= 0:
            return 0.0
        return min(self._limits.longest_delay, self._limits.first_delay * 2.0 ** min(beyond - 1, 20))
