"""Jobs and their leases in the database: one thin method for each named query of the queue."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import AsyncCursor
from psycopg.rows import args_row
from psycopg.types.numeric import Int4, Int8

from watchkeeper.domain.attempts import AttemptPolicy, Ending
from watchkeeper.domain.claims import ClaimedJob
from watchkeeper.domain.jobs import OnLost
from watchkeeper.storage.database import Connection, Row, fetch, fetch_one, fetch_row
from watchkeeper.storage.queries import query


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


@dataclass(frozen=True, slots=True)
class NewJobs:
    """Jobs without keys, as columns; `payloads` is the text of one JSON array. A column of defaults may be short."""

    kinds: list[str]
    payloads: str
    contracts: list[str | None]
    priorities: list[int | None]
    run_ats: list[datetime | None]
    deliverable_ids: list[str | None]
    secret_suspected: list[bool]

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
        )


@dataclass(slots=True)
class Enqueued:
    """The job that answers a request; `existing` when a key already stood for it."""

    id: str
    seq: int
    existing: bool = False


@dataclass(slots=True)
class HeldLease:
    """One lease as its holder proves it: the job's number, the epoch, the hash of the secret.

    Like the completion below not frozen, which would double what making tens of thousands a second costs.
    """

    seq: int
    epoch: int
    token_hash: bytes


@dataclass(frozen=True, slots=True)
class ClaimRequest:
    project_id: str
    worker_id: str
    kinds: Sequence[str] | None
    limit: int
    profile: str
    session_seconds: int
    runtime_seconds: int


@dataclass(slots=True)
class Completion:
    """A completed attempt; `verified` is `artifact` or `none`."""

    lease: HeldLease
    verified: str = "none"
    summary: str | None = None
    output_hash: str | None = None


@dataclass(frozen=True, slots=True)
class EndedAttempt:
    """An attempt that ended in another way, with the event that the audit trail names it by."""

    lease: HeldLease
    ending: Ending
    event: str
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """A move of a job that does not run."""

    seq: int
    from_states: Sequence[str]
    to_state: str
    event: str
    state_reason: str | None = None
    reason: str | None = field(default=None)


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
        "contracts": _unless_all(None, jobs.contracts),
        "priorities": _unless_all(None, jobs.priorities),
        "run_ats": _unless_all(None, jobs.run_ats),
        "deliverable_ids": _unless_all(None, jobs.deliverable_ids),
        "secret_suspected": _unless_all(False, jobs.secret_suspected),
    }
    cursor = connection.cursor(binary=True, row_factory=args_row(_enqueued))
    return await cursor.execute(query("enqueue"), arguments)


def _enqueued(job_id: str, seq: int, existing: bool, _woken: object) -> Enqueued:
    return Enqueued(job_id, seq, existing)


async def enqueue_keyed(
    connection: Connection,
    project_id: str,
    actor: str,
    job: NewJob,
    *,
    origin: str = "own",
    is_shadow: bool = False,
) -> Enqueued:
    """Add one job with keys, or find the one that holds them."""
    keys: dict[str, Any] = {"project_id": project_id, "kind": job.kind, "unique_key": job.unique_key}
    await fetch(connection, "ensure_kind", keys)
    while True:
        taken = await fetch_row(connection, "next_job_seq")
        seq = taken["seq"]
        if job.unique_key is not None and not await fetch(
            connection, "place_unique_key", {**keys, "seq": seq}
        ):
            if holder := await fetch_one(connection, "job_by_unique_key", keys):
                return Enqueued(str(holder["id"]), holder["seq"], existing=True)
            continue  # its job ended between the two statements: the key is free now
        made = await fetch_one(
            connection,
            "enqueue_keyed",
            {
                **keys,
                "seq": seq,
                "actor": actor,
                "payload": job.payload,
                "contract": job.contract,
                "priority": job.priority,
                "run_at": job.run_at,
                "external_id": job.external_id,
                "origin": origin,
                "deliverable_id": job.deliverable_id,
                "is_shadow": is_shadow,
                "secret_suspected": job.secret_suspected,
                "retry_of": job.retry_of,
            },
        )
        if made is not None:
            return Enqueued(str(made["id"]), made["seq"])
        await fetch(connection, "drop_unique_key", {"project_id": project_id, "seq": seq})
        known = await fetch_one(
            connection,
            "job_by_external_id",
            {"project_id": project_id, "origin": origin, "external_id": job.external_id},
        )
        if known is not None:
            return Enqueued(str(known["id"]), known["seq"], existing=True)


async def claim(connection: Connection, request: ClaimRequest) -> list[ClaimedJob]:
    """Claim up to `limit` jobs; must run in a transaction."""
    return await (await _send_claim(connection, request)).fetchall()


async def claim_at_once(connection: Connection, request: ClaimRequest) -> list[ClaimedJob]:
    """Claim in a transaction of its own, sent and answered in one round trip.

    A pipeline in autocommit is one implicit transaction up to its end (PostgreSQL manual, "Pipeline Mode").
    """
    async with connection.pipeline():
        return await (await _send_claim(connection, request)).fetchall()


async def _send_claim(connection: Connection, request: ClaimRequest) -> AsyncCursor[ClaimedJob]:
    arguments = {
        "project_id": request.project_id,
        "worker_id": request.worker_id,
        "kinds": None if request.kinds is None else list(request.kinds),
        "limit": request.limit,
        "profile": request.profile,
        "session_seconds": request.session_seconds,
        "runtime_seconds": request.runtime_seconds,
        "actor": f"worker:{request.worker_id}",
    }
    await connection.execute(query("lock_limited_kinds"), arguments, binary=True)
    cursor = connection.cursor(binary=True, row_factory=args_row(ClaimedJob))
    return await cursor.execute(query("claim"), arguments)


def _held(project_id: str, leases: Sequence[HeldLease]) -> dict[str, Any]:
    """Bind leases, which the caller has sorted by seq: the queries search the arrays.

    The driver would send small numbers as smallint[], which a generic plan casts to bigint[] once for every row.
    """
    return {
        "project_id": project_id,
        "seqs": [Int8(lease.seq) for lease in leases],
        "epochs": [Int4(lease.epoch) for lease in leases],
        "token_hashes": b"".join([lease.token_hash for lease in leases]),
    }


def _unless_all(default: Any, values: list[Any]) -> list[Any] | None:
    """Give NULL for a column of defaults: the queries read it so, and long arrays cost more than short ones."""
    return None if all(value == default for value in values) else values


def _by_seq(lease: HeldLease) -> int:
    return lease.seq


async def renew(connection: Connection, project_id: str, leases: Sequence[HeldLease]) -> list[Row]:
    return await fetch(connection, "renew", _held(project_id, sorted(leases, key=_by_seq)))


async def lock_held(connection: Connection, project_id: str, leases: Sequence[HeldLease]) -> list[Row]:
    return await fetch(connection, "lock_held_leases", _held(project_id, sorted(leases, key=_by_seq)))


async def complete(
    connection: Connection, project_id: str, actor: str, completions: Sequence[Completion]
) -> list[Row]:
    """Complete jobs; a row `{seq, epoch}` for each whose lease was still held."""
    completions = sorted(completions, key=lambda item: item.lease.seq)
    return await fetch(
        connection,
        "complete_jobs",
        {
            **_held(project_id, [item.lease for item in completions]),
            "actor": actor,
            "verified": _unless_all("none", [item.verified for item in completions]),
            "summaries": _unless_all(None, [item.summary for item in completions]),
            "output_hashes": _unless_all(None, [item.output_hash for item in completions]),
        },
    )


async def end_attempts(
    connection: Connection,
    project_id: str,
    actor: str,
    ended: Sequence[EndedAttempt],
    *,
    detail: Any = None,
    output_hash: str | None = None,
) -> list[Row]:
    """End attempts in other ways than completion; a row for each whose lease was still held."""
    ended = sorted(ended, key=lambda item: item.lease.seq)
    endings = [item.ending for item in ended]
    return await fetch(
        connection,
        "end_attempts",
        {
            **_held(project_id, [item.lease for item in ended]),
            "actor": actor,
            "detail": None if detail is None else json.dumps(detail),
            "output_hash": output_hash,
            "states": [ending.state.value for ending in endings],
            "state_reasons": [ending.state_reason and ending.state_reason.value for ending in endings],
            "codes": [ending.code for ending in endings],
            "delays": [ending.delay for ending in endings],
            "outcomes": [ending.outcome for ending in endings],
            "causes": [ending.cause.value for ending in endings],
            "errors": [item.error for item in ended],
            "agent_errors": [ending.agent_errors for ending in endings],
            "lost_leases": [ending.lost_leases for ending in endings],
            "events": [item.event for item in ended],
        },
    )


async def move_waiting(connection: Connection, project_id: str, actor: str, move: Move) -> Row | None:
    """Move a job that does not run; None where it stands in none of `from_states`."""
    return await fetch_one(
        connection,
        "move_waiting_job",
        {
            "project_id": project_id,
            "actor": actor,
            "seq": move.seq,
            "from_states": list(move.from_states),
            "to_state": move.to_state,
            "event": move.event,
            "state_reason": move.state_reason,
            "reason": move.reason,
        },
    )


def policy_of(row: Row) -> AttemptPolicy:
    """Read the policy that decides where a locked lease's job goes."""
    return AttemptPolicy(
        OnLost(row["on_lost"]),
        row["max_attempts"],
        row["max_lost_leases"],
        row["agent_errors"],
        row["lost_leases"],
    )
