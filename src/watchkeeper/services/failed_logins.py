"""Patience demanded of who guesses tokens and codes, at the API and at the console's door alike.

Every credential is looked at, and a good one never waits for the failures of whoever shares its address: agents and
their owner share this machine's. Guessing side by side is bounded in looks at a time, and mostly sent away unheard.
"""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from watchkeeper.domain.errors import RateLimited

REMEMBERED_ADDRESSES = 4_096


@dataclass(frozen=True, slots=True)
class LoginPatience:
    """How failed logins are slowed down.

    After `free_failures` of one address within `forget_seconds` each further one is answered later, the first
    after `first_delay` seconds, each next after twice that, at most `longest_delay`. At most `delayed_of_one` of an
    address and `delayed_at_once` of all wait so; further ones are sent away. Of such an address at most `looks_at_once`
    unknown credentials are looked up at a time.
    """

    free_failures: int = 5
    forget_seconds: float = 300.0
    first_delay: float = 0.25
    longest_delay: float = 5.0
    delayed_at_once: int = 64
    delayed_of_one: int = 8
    looks_at_once: int = 4


@dataclass(slots=True)
class _Address:
    """What is known of an address: failures, when the last was, who waits, and the way to the next look."""

    looks: asyncio.Semaphore
    failures: int = 0
    last: float = 0.0
    delayed: int = field(default=0)


class FailedLogins:
    """Remembers, for a while, from where credentials were tried that are none."""

    def __init__(
        self,
        patience: LoginPatience,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._patience = patience
        self._clock = clock
        self._pause = pause
        self._known: OrderedDict[str, _Address] = OrderedDict()
        self._delayed = 0

    @asynccontextmanager
    async def look(self, address: str) -> AsyncIterator[None]:
        """Take a turn for looking a credential up: none need be awaited where few have failed."""
        known = self._known.get(source_of(address))
        if known is None or known.failures <= self._patience.free_failures:
            yield
            return
        async with known.looks:
            yield

    async def slow_down(self, address: str) -> None:
        """Count a failure of an address and let it wait; raise RateLimited where too many wait already."""
        known = self._count(source_of(address))
        delay = self._delay(known.failures)
        if not delay:
            return
        if known.delayed >= self._patience.delayed_of_one or self._delayed >= self._patience.delayed_at_once:
            raise RateLimited("too many failed logins", retry_after=self._patience.longest_delay)
        known.delayed += 1
        self._delayed += 1
        try:
            await self._pause(delay)
        finally:
            known.delayed -= 1
            self._delayed -= 1

    def _count(self, source: str) -> _Address:
        now = self._clock()
        known = self._known.pop(source, None) or _Address(asyncio.Semaphore(self._patience.looks_at_once))
        known.failures = known.failures + 1 if now - known.last <= self._patience.forget_seconds else 1
        known.last = now
        self._known[source] = known
        if len(self._known) > REMEMBERED_ADDRESSES:
            self._known.popitem(last=False)
        return known

    def _delay(self, failures: int) -> float:
        beyond = failures - self._patience.free_failures
        if beyond <= 0:
            return 0.0
        return min(self._patience.longest_delay, self._patience.first_delay * 2.0 ** min(beyond - 1, 20))


def source_of(address: str) -> str:
    """Give what counts as one guesser: an IPv4 address, or the /64 network that one host of IPv6 has to itself."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is None:
        return str(ipaddress.IPv6Network((found, 64), strict=False))
    return str(found)
