"""New jobs on their way into the database: in batches, or one by one where a key decides whether they are new."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import AsyncCursor
from psycopg.rows import args_row

from watchkeeper.domain.errors import Conflict
from watchkeeper.storage.database import Connection, fetch, fetch_one, fetch_row, send


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job as it is asked for; `payload` and `contract` are JSON texts."""

    kind: str
    payload: str = "{}"
    contract: str | None = None
    priority: int | None = None
    run_at: datetime | None = None
    unique_key: str | None = None
    external_id: str | None = None
    deliverable_id: str | None = None
    secret_suspected: bool = False
    retry_of: UUID | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class NewJobs:
    """Jobs without keys, as columns; `payloads` is the text of one JSON array. A column of defaults may be short.

    All of them are added for one `reason`.
    """

    kinds: list[str]
    payloads: str
    contracts: list[str | None]
    priorities: list[int | None]
    run_ats: list[datetime | None]
    deliverable_ids: list[str | None]
    secret_suspected: list[bool]
    reason: str | None = None

    @classmethod
    def of(cls, jobs: Sequence[NewJob]) -> NewJobs:
        return cls(
            [job.kind for job in jobs],
            f"[{','.join(job.payload for job in jobs)}]",
            [job.contract for job in jobs],
            [job.priority for job in jobs],
            [job.run_at for job in jobs],
            [job.deliverable_id for job in jobs],
            [job.secret_suspected for job in jobs],
            jobs[0].reason if jobs else None,
        )


@dataclass(slots=True)
class Enqueued:
    """The job that answers a request; `existing` when a key already stood for it."""

    id: str
    seq: int
    existing: bool = False


def unless_all(default: Any, values: list[Any]) -> list[Any] | None:
    """Give NULL for a column of defaults: the queries read it so, and long arrays cost more than short ones."""
    return None if all(value == default for value in values) else values


async def enqueue(
    connection: Connection,
    project_id: str,
    actor: str,
    batches: Iterable[NewJobs],
    *,
    is_shadow: bool = False,
) -> list[Enqueued]:
    """Add jobs without keys; give them in order. A batch is taken while the server works on the one before."""
    async with connection.pipeline():
        sent = [await _send(connection, project_id, actor, batch, is_shadow) for batch in batches]
        return [job for cursor in sent for job in await cursor.fetchall()]


async def enqueue_batch(
    connection: Connection, project_id: str, actor: str, batch: NewJobs, *, is_shadow: bool = False
) -> list[Enqueued]:
    """The same for one batch."""
    return await (await _send(connection, project_id, actor, batch, is_shadow)).fetchall()


async def _send(
    connection: Connection, project_id: str, actor: str, jobs: NewJobs, is_shadow: bool
) -> AsyncCursor[Enqueued]:
    kinds = list(dict.fromkeys(jobs.kinds))
    arguments = {
        "project_id": project_id,
        "actor": actor,
        "is_shadow": is_shadow,
        "distinct_kinds": kinds,
        "kinds": kinds if len(kinds) == 1 else jobs.kinds,
        "payloads": jobs.payloads,
        "contracts": unless_all(None, jobs.contracts),
        "priorities": unless_all(None, jobs.priorities),
        "run_ats": unless_all(None, jobs.run_ats),
        "deliverable_ids": unless_all(None, jobs.deliverable_ids),
        "secret_suspected": unless_all(False, jobs.secret_suspected),
        "reason": jobs.reason,
    }
    cursor = connection.cursor(binary=True, row_factory=args_row(_enqueued))
    await send(cursor, "enqueue", arguments)
    return cursor


def _enqueued(job_id: str, seq: int, existing: bool, _woken: object) -> Enqueued:
    return Enqueued(job_id, seq, existing)


def _columns(job: NewJob) -> dict[str, Any]:
    return {
        "payload": job.payload,
        "contract": job.contract,
        "priority": job.priority,
        "run_at": job.run_at,
        "external_id": job.external_id,
        "deliverable_id": job.deliverable_id,
        "secret_suspected": job.secret_suspected,
        "retry_of": job.retry_of,
        "reason": job.reason,
    }


async def enqueue_keyed(
    connection: Connection,
    project_id: str,
    actor: str,
    job: NewJob,
    *,
    origin: str = "own",
    is_shadow: bool = False,
) -> Enqueued:
    """Add one job with keys, or find the one that holds them.

    Raises Conflict where the foreign id is that of a job of another kind or payload: neither may be lost unsaid.
    """
    keys: dict[str, Any] = {"project_id": project_id, "kind": job.kind, "unique_key": job.unique_key}
    columns = {**_columns(job), "actor": actor, "origin": origin, "is_shadow": is_shadow}
    await fetch(connection, "ensure_kind", keys)
    while True:
        taken = await fetch_row(connection, "next_job_seq")
        seq = taken["seq"]
        if job.unique_key is not None and not await fetch(
            connection, "place_unique_key", {**keys, "seq": seq}
        ):
            if holder := await fetch_one(connection, "job_by_unique_key", keys):
                await _known(connection, project_id, origin, job)
                return Enqueued(str(holder["id"]), holder["seq"], existing=True)
            continue  # its job ended between the two statements: the key is free now
        made = await fetch_one(connection, "enqueue_keyed", {**keys, **columns, "seq": seq})
        if made is not None:
            return Enqueued(str(made["id"]), made["seq"])
        await fetch(connection, "drop_unique_key", {"project_id": project_id, "seq": seq})
        if (known := await _known(connection, project_id, origin, job)) is not None:
            return known


async def _known(connection: Connection, project_id: str, origin: str, job: NewJob) -> Enqueued | None:
    """Give the job of this one's foreign id; raise Conflict where that one is not the same."""
    if job.external_id is None:
        return None
    asked = {"external_id": job.external_id, "kind": job.kind, "payload": job.payload}
    found = await fetch_one(
        connection, "job_by_external_id", {"project_id": project_id, "origin": origin, **asked}
    )
    if found is None:
        return None
    if not found["is_same"]:
        raise Conflict(
            f"the external id {job.external_id[:100]!r} is that of another job, with another kind or payload",
            hint="Give the new job an external id of its own; what was asked for before stays as it is.",
            job=str(found["id"]),
        )
    return Enqueued(str(found["id"]), found["seq"], existing=True)
