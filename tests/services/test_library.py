"""The Python interface: enqueueing from a program's own transaction, workers in a lifespan, and the examples."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType

import psycopg
import pytest
from psycopg.rows import dict_row, tuple_row

from raw_sql import rows
from services.handler_runs import reaches, until
from watchkeeper import Client, JobContext, JobRequest, Worker, job
from watchkeeper.app.whole import App
from watchkeeper.domain.errors import DatabaseUnavailable, UsageError

EXAMPLES = Path(__file__).parents[2] / "examples"
NOWHERE = "postgresql://nobody@127.0.0.1:1/none"


@pytest.fixture
async def client(app: App, database_url: str) -> AsyncIterator[Client]:
    async with Client(database_url, project="p") as client:
        yield client


async def jobs(app: App) -> int:
    return int((await rows(app.database, "SELECT count(*) AS n FROM watchkeeper.job_specs"))[0]["n"])


@pytest.mark.parametrize("shape", [tuple_row, dict_row])
@pytest.mark.parametrize("key", [None, "u"])
async def test_a_job_rides_in_the_caller_s_transaction(
    app: App, client: Client, database_url: str, shape: object, key: str | None
) -> None:
    """What is enqueued on a caller's connection is there when that commits, and is not when it rolls back."""
    async with await psycopg.AsyncConnection.connect(database_url, row_factory=shape) as own:  # type: ignore[call-overload]
        await client.enqueue("k", {"n": 1}, unique_key=key, connection=own)
        assert await jobs(app) == 0
        await own.rollback()
        assert await jobs(app) == 0
        made = await client.enqueue("k", {"n": 2}, unique_key=key, connection=own)
        await own.commit()
        again = await client.enqueue("k", {"n": 2}, unique_key=key, connection=own)
    assert (await client.job(made.id))["state"] == "pending"
    assert again.existing == (key is not None)


async def test_without_a_transaction_of_the_caller_s_a_batch_is_still_all_or_none(
    app: App, client: Client, database_url: str
) -> None:
    """On a connection in autocommit a refused batch leaves neither a job nor a key behind."""
    requests = [JobRequest("k", unique_key="u"), JobRequest("k", {1, 2})]
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as own:
        with pytest.raises(UsageError):
            await client.enqueue_many(requests, connection=own)
        assert await rows(app.database, "SELECT 1 AS one FROM watchkeeper.unique_keys") == []
        made = await client.enqueue("k", unique_key="u", connection=own)
    assert not made.existing
    assert await jobs(app) == 1


async def test_a_missing_database_is_said_at_once() -> None:
    """A client and a worker that cannot begin raise what is wrong, so that a program's start fails in the open."""

    @job("k")
    async def handle(context: JobContext) -> None:
        """Never runs."""

    async def enter(manager: Client | Worker) -> None:
        with pytest.raises(DatabaseUnavailable):
            await manager.__aenter__()

    await asyncio.gather(enter(Client(NOWHERE)), enter(Worker([handle], database_url=NOWHERE)))


async def test_the_second_of_two_hosts_serves_when_the_first_is_dead(app: App, database_url: str) -> None:
    """With several hosts in the address a client and a worker find the one that lives."""
    where = psycopg.conninfo.conninfo_to_dict(database_url)
    port = where.get("port", 5432)
    both = psycopg.conninfo.make_conninfo(
        database_url, host=f"127.0.0.1,{where['host']}", port=f"1,{port}", connect_timeout=2
    )

    @job("k")
    async def handle(context: JobContext) -> None:
        await context.progress("here")

    async with Client(both, project="p") as client, Worker([handle], database_url=both, project="p"):
        made = await client.enqueue("k")
        await reaches(app, made.id, "completed")


def example(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def test_the_example_of_a_transaction_keeps_one_job(
    app: App, database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The example enqueues with an order that is committed, and not with one that is rolled back."""
    monkeypatch.setenv("WATCHKEEPER_DATABASE_URL", database_url)
    await example("enqueue_in_a_transaction").main()
    assert capsys.readouterr().out == "the invoice of order 1 is pending\n"
    assert [
        row["payload"] for row in await rows(app.database, "SELECT payload FROM watchkeeper.job_specs")
    ] == [{"order": 1}]


async def test_the_example_of_a_lifespan_makes_a_verified_report(
    app: App, database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The example's web application runs a worker, asks once for a month, and its page passes the gate."""
    monkeypatch.setenv("WATCHKEEPER_DATABASE_URL", database_url)
    monkeypatch.setenv("WATCHKEEPER_HOME", str(tmp_path / "home"))
    web = example("worker_in_a_lifespan")
    async with web.app.router.lifespan_context(web.app):
        first = await web.ask_for_report("march")

        async def done() -> bool:
            return bool((await web.see_report(first["job"]))["state"] == "completed")

        await until(done, "the report")
        assert await web.see_report(first["job"]) == {"state": "completed", "verified": "artifact"}
