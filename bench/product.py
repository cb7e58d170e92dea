"""Watchkeeper's Python interface, set up for no-op jobs as a user would for handlers of milliseconds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from watchkeeper import Client, JobContext, Worker, job
from watchkeeper.services.enqueueing import JobRequest

KIND = "noop"
CONCURRENCY = 10
PREFETCH = 990


class ClientLane:
    """Enqueues no-op jobs of one project."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def enqueue(self, payloads: Sequence[Any]) -> None:
        await self._client.enqueue_many([JobRequest(KIND, payload) for payload in payloads])

    async def enqueue_one(self, payload: Any) -> None:
        await self._client.enqueue(KIND, payload)


@asynccontextmanager
async def client_lane(url: str, project: str) -> AsyncIterator[ClientLane]:
    """Open a client, which brings the schema up to date."""
    async with Client(url, project=project, actor="bench") as client:
        yield ClientLane(client)


def noop_worker(
    url: str, project: str, function: Callable[[JobContext], Awaitable[Any]], **declaration: Any
) -> Worker:
    """Make a worker that holds many jobs at once, as pgqueuer does with its large batch."""
    handler = job(KIND, **declaration)(function)
    return Worker([handler], concurrency=CONCURRENCY, prefetch=PREFETCH, project=project, database_url=url)
