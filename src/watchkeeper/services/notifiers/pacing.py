"""A bucket of tokens for each chat: so many messages at once, then one after the other in time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

MAX_BUCKETS = 1_000


@dataclass(slots=True)
class Bucket:
    """`full_at`: when it holds all its tokens again; one that is full waits for nobody."""

    per_second: float
    burst: int
    full_at: float = 0.0

    def wait(self, now: float) -> float:
        """Take one token; give in how many seconds it is there."""
        step = 1 / self.per_second
        self.full_at = max(self.full_at, now) + step
        return max(0.0, self.full_at - now - self.burst * step)


class Pacing:
    """The buckets of one process. Another process has its own: what the other side says to both is obeyed."""

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        self._clock = clock
        self._buckets: dict[str, Bucket] = {}

    async def turn(self, chat: str, per_second: float, burst: int) -> None:
        """Wait for this chat's turn; none to wait for where there is no rate."""
        if not per_second:
            return
        now = (self._clock or asyncio.get_running_loop().time)()
        if len(self._buckets) >= MAX_BUCKETS:
            self._buckets = {key: one for key, one in self._buckets.items() if one.full_at > now}
        bucket = self._buckets.setdefault(chat, Bucket(per_second, burst))
        if (seconds := bucket.wait(now)) > 0:
            await asyncio.sleep(seconds)
