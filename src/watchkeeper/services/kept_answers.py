"""Answers that are dear to make, kept for a moment: who asks gets the kept one, while a new one is made."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Any

from watchkeeper.domain.errors import WatchkeeperError
from watchkeeper.logs import log

FRESH_SECONDS = 15.0
KEPT_SECONDS = 600.0
"""Within this time a kept answer is given at once; each says when it was made."""

MOST = 500


@dataclass(slots=True)
class _Kept:
    value: Any
    made: float


class KeptAnswers:
    """Answers by key; of one key at most one is being made. For one event loop."""

    def __init__(self, fresh_seconds: float = FRESH_SECONDS) -> None:
        self._fresh = fresh_seconds
        self._kept: dict[Hashable, _Kept] = {}
        self._making: dict[Hashable, asyncio.Task[Any]] = {}

    async def get(self, key: Hashable, make: Callable[[], Awaitable[Any]]) -> Any:
        """Give the answer of a key; raises what `make` raises where none is kept."""
        kept = self._kept.get(key)
        age = None if kept is None else time.monotonic() - kept.made
        if kept is not None and age is not None and age < self._fresh:
            return kept.value
        task = self._making.get(key)
        if task is None:
            self._making[key] = task = asyncio.create_task(self._make(key, make))
            task.add_done_callback(lambda done: self._made(key, done))
        if kept is not None and age is not None and age < KEPT_SECONDS:
            return kept.value
        return await asyncio.shield(task)

    async def _make(self, key: Hashable, make: Callable[[], Awaitable[Any]]) -> Any:
        value = await make()
        self._kept.pop(key, None)
        self._kept[key] = _Kept(value, time.monotonic())
        while len(self._kept) > MOST:
            del self._kept[next(iter(self._kept))]
        return value

    def _made(self, key: Hashable, done: asyncio.Task[Any]) -> None:
        del self._making[key]
        # Who waits for it is told; where the kept answer was given nobody is, so it is told here.
        if not done.cancelled() and isinstance(error := done.exception(), WatchkeeperError):
            log("answer_not_renewed", what=str(key)[:100], code=error.code, detail=error.message)
