"""Handlers run by a worker inside the test's own process, and what became of their jobs."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from raw_sql import rows
from watchkeeper.app.whole import App
from watchkeeper.services.claiming import POLL_SECONDS
from watchkeeper.services.enqueueing import JobRequest
from watchkeeper.services.handlers import Handler
from watchkeeper.services.worker import HandlerWorker, WorkerConfig

T = TypeVar("T")
STEP_SECONDS = 0.02


def working(
    app: App,
    *handlers: Handler,
    concurrency: int = 1,
    prefetch: int = 0,
    poll_seconds: float = POLL_SECONDS,
) -> HandlerWorker:
    """Give a worker of project `p`, to be entered."""
    return HandlerWorker(
        handlers, app.desk, WorkerConfig("p", concurrency, prefetch, poll_seconds=poll_seconds)
    )


async def ask(app: App, kind: str, payload: Any = None) -> str:
    [made] = await app.queue.enqueue("p", [JobRequest(kind, payload)], actor="t")
    return str(made.id)


async def until(predicate: Callable[[], Awaitable[T]], what: str, timeout: float = 20.0) -> T:
    """Ask until the answer is truthy, while the worker goes on."""
    deadline = time.monotonic() + timeout
    while not (answer := await predicate()):
        assert time.monotonic() < deadline, f"waited {timeout:g} s in vain for {what}"
        await asyncio.to_thread(threading.Event().wait, STEP_SECONDS)
    return answer


async def reaches(app: App, job_id: str, *states: str) -> dict[str, Any]:
    """Wait for a job to come to one of these states, and give it."""

    async def there() -> dict[str, Any] | None:
        [row] = await rows(app.database, "SELECT * FROM watchkeeper.jobs WHERE id = %(id)s", {"id": job_id})
        return row if row["state"] in states else None

    return await until(there, f"job {job_id} to be {' or '.join(states)}")


async def attempts(app: App, job_id: str) -> list[dict[str, Any]]:
    return await rows(
        app.database,
        "SELECT a.epoch, a.outcome, a.cause, a.error FROM watchkeeper.job_attempts a"
        " JOIN watchkeeper.job_specs s USING (project_id, seq) WHERE s.id = %(id)s ORDER BY a.epoch",
        {"id": job_id},
    )
