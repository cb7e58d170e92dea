"""The Python interface: enqueue from your own code, and run async handlers under Watchkeeper's leases."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self, cast

from watchkeeper.app.core import Core, build_core
from watchkeeper.services.enqueueing import JobRequest
from watchkeeper.services.handlers import Handler
from watchkeeper.services.insights import whole_job
from watchkeeper.services.worker import HandlerWorker, WorkerConfig
from watchkeeper.settings import Settings
from watchkeeper.storage.database import AnyConnection, Connection
from watchkeeper.storage.migrate import migrate
from watchkeeper.storage.new_jobs import Enqueued

if TYPE_CHECKING:
    from watchkeeper.client.api import ApiClient


def _core(database_url: str | None) -> Core:
    settings = Settings.read()
    if database_url is not None:
        settings = replace(settings, database_url=database_url)
    return build_core(settings)


class Client:
    """Enqueues jobs of one project. Use it as an async context manager, or call `open` and `close`.

    `database_url` None reads WATCHKEEPER_DATABASE_URL.
    """

    def __init__(
        self, database_url: str | None = None, *, project: str = "default", actor: str = "client"
    ) -> None:
        self._core = _core(database_url)
        self._project = project
        self._actor = actor

    @staticmethod
    def over_http(url: str, token: str, *, project: str | None = None) -> ApiClient:
        """Give a client of a server's API instead, for programs that have no database account."""
        # Loaded here alone: a worker of handlers must not carry what it does not use.
        client: type[ApiClient] = importlib.import_module("watchkeeper.client.api").ApiClient
        return client(url, token, project=project)

    async def open(self) -> None:
        """Connect, bring the schema up to date, and make the project if there is none."""
        await self._core.database.open()
        try:
            await migrate(self._core.database)
            await self._core.kinds.ensure_project(self._project)
        except BaseException:
            await self._core.database.close()
            raise

    async def close(self) -> None:
        await self._core.database.close()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def enqueue(
        self,
        kind: str,
        payload: Any = None,
        *,
        contract: Mapping[str, Any] | None = None,
        priority: int | None = None,
        run_at: datetime | None = None,
        unique_key: str | None = None,
        external_id: str | None = None,
        connection: AnyConnection | None = None,
    ) -> Enqueued:
        """Add a job; with `connection`, inside the caller's own psycopg transaction.

        A job whose unique key or foreign id is taken is not added: the one that holds it is given, `existing` set.
        Raises UsageError for a payload that is not JSON, Conflict where the foreign id is that of a job of another
        kind or payload, DatabaseUnavailable while the database is away.
        """
        request = JobRequest(kind, payload, contract, priority, run_at, unique_key, external_id)
        return (await self.enqueue_many([request], connection=connection))[0]

    async def enqueue_many(
        self, requests: Sequence[JobRequest], *, connection: AnyConnection | None = None
    ) -> list[Enqueued]:
        """Add jobs in bulk, all or none, in order; with `connection`, inside the caller's own psycopg transaction."""
        return await self._core.queue.enqueue(
            self._project, requests, actor=self._actor, connection=cast("Connection | None", connection)
        )

    async def job(self, job_id: str) -> dict[str, Any]:
        """Give a job with its state, attempts and artifacts; raise JobNotFound."""
        return await whole_job(self._core.database, self._project, job_id)


class Worker(HandlerWorker):
    """Runs handlers that are marked with `@job`: `await Worker([...]).run()`, or `async with` in a lifespan.

    `concurrency` handlers run at once; `prefetch` more jobs may be held, for handlers of milliseconds.
    """

    def __init__(
        self,
        handlers: Iterable[Handler],
        *,
        concurrency: int = 2,
        prefetch: int = 0,
        project: str = "default",
        database_url: str | None = None,
        worker_id: str | None = None,
        pool: str = "default",
        role: str | None = None,
        persona: str | None = None,
    ) -> None:
        self._core = _core(database_url)
        config = WorkerConfig(project, concurrency, prefetch, worker_id, pool, role, persona)
        super().__init__(handlers, self._core.desk, config)

    async def run(self) -> None:
        """Work until `stop()`; then finish what runs, hand back what has not begun, and return."""
        await self._core.database.open()
        try:
            await migrate(self._core.database)
            await super().run()
        finally:
            await self._core.database.close()
