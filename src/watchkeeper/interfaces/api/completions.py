"""Completions whose checks take longer than a caller should wait: they go on, and the caller asks again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

ANSWER_WITHIN_SECONDS = 20.0
RETRY_AFTER_SECONDS = 2

Key = tuple[str, str, str]


class Completions:
    """The completions that are being checked in this process. A repeated request joins the one that runs."""

    def __init__(self, answer_within: float = ANSWER_WITHIN_SECONDS) -> None:
        self._answer_within = answer_within
        self._running: dict[Key, asyncio.Task[dict[str, Any]]] = {}

    async def run(self, key: Key, check: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any] | None:
        """Give what the check came to, or None while it goes on; raises what it raises.

        It goes on without its caller too: a lost connection changes nothing about a completion.
        """
        task = self._running.get(key)
        if task is None:
            task = asyncio.ensure_future(_start(check))
            self._running[key] = task
            task.add_done_callback(lambda done: self._forget(key, done))
        await asyncio.wait([task], timeout=self._answer_within)
        return task.result() if task.done() else None

    def _forget(self, key: Key, done: asyncio.Task[dict[str, Any]]) -> None:
        self._running.pop(key, None)
        if not done.cancelled():
            # Marks the error as seen: who repeats the command is told it anew.
            done.exception()


async def _start(check: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    return await check()
