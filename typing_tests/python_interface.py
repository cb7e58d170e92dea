"""What mypy must accept of programs that use the Python interface; checked, never run."""

from __future__ import annotations

from datetime import datetime
from typing import Any, assert_type

import psycopg
from psycopg.rows import DictRow, dict_row

from watchkeeper import Client, JobContext, JobRequest, Worker, job


@job("report", lease_seconds=30, concurrency=2)
async def report(context: JobContext) -> None:
    await context.progress("half way", phase="write", payload={"done": 0.5})
    assert_type(await context.upload("index.html", b"<p>", kind="html_page"), str)
    assert_type(context.cancel_requested, bool)
    context.summary = "done"


async def enqueue(client: Client, url: str, when: datetime) -> None:
    made = await client.enqueue("report", {"a": [1]}, priority=1, run_at=when, unique_key="u")
    assert_type(made.id, str)
    assert_type(made.existing, bool)
    assert_type(await client.job(made.id), dict[str, Any])
    plain = await psycopg.AsyncConnection.connect(url)
    await client.enqueue("report", connection=plain)
    mapped: psycopg.AsyncConnection[DictRow] = await psycopg.AsyncConnection.connect(
        url, row_factory=dict_row
    )
    await client.enqueue_many([JobRequest("report", {}), JobRequest("report")], connection=mapped)


async def work() -> None:
    async with Worker([report], concurrency=4, prefetch=10, project="default") as worker:
        assert_type(worker.worker_id, str)
        worker.stop()
    await Worker([report]).run()
