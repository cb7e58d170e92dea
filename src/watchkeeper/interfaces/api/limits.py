"""How often somebody may ask: a bucket of requests per token."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from watchkeeper.domain.errors import RateLimited
from watchkeeper.services.failed_logins import LoginPatience

REMEMBERED_TOKENS = 10_000


@dataclass(frozen=True, slots=True)
class ApiLimits:
    """Requests a second for a token of a person and of a worker; the patience of who fails to log in."""

    interactive_per_second: float = 100.0
    worker_per_second: float = 2000.0
    logins: LoginPatience = field(default_factory=LoginPatience)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a token may still ask within this second, as the RateLimit header fields of the IETF's draft say it."""

    per_second: float
    left: float = 0.0

    def headers(self) -> dict[str, str]:
        return {
            "RateLimit-Policy": f'"token";q={max(1, int(self.per_second))};w=1',
            "RateLimit": f'"token";r={int(self.left)};t=1',
        }


class Buckets:
    """A token bucket for each caller; holds one second's worth of requests."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: OrderedDict[bytes, tuple[float, float]] = OrderedDict()

    def knows(self, caller: bytes) -> bool:
        """Say whether this caller was let in before, and lately."""
        return caller in self._buckets

    def take(self, caller: bytes, per_second: float) -> Allowance:
        """Take one request and say what is left; raise RateLimited where there is none."""
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
        return Allowance(per_second, level - 1)
