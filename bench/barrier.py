"""The start line of a drain: a lock on the table that claims read; no worker's first claim gets past it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from bench.crew import Crew
from bench.peers import Peer, sql

LINE_UP_SECONDS = 30.0


@asynccontextmanager
async def line_up(crew: Crew, peer: Peer, url: str) -> AsyncIterator[None]:
    """Let the workers run into the lock; the end of the block releases them and starts the clock."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await connection.execute(peer.lock)
            crew.release()
            await _wait_for(crew, peer, url)
            yield
    finally:
        await connection.close()


async def _wait_for(crew: Crew, peer: Peer, url: str) -> None:
    deadline = time.monotonic() + LINE_UP_SECONDS
    looker = await asyncpg.connect(url)
    try:
        while await looker.fetchval(sql("waiters"), peer.queue) < len(crew.processes):
            crew.check()
            if time.monotonic() > deadline:
                raise RuntimeError(f"the workers of {peer.name} did not line up")
            await asyncio.sleep(0.01)
    finally:
        await looker.close()
