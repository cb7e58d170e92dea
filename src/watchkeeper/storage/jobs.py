"""Jobs and their leases in the database: one thin method for each named query of the queue."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from psycopg import AsyncCursor
from psycopg.rows import args_row
from psycopg.types.numeric import Int4, Int8

from watchkeeper.domain.attempts import AttemptPolicy, Ending
from watchkeeper.domain.claims import ClaimedJob
from watchkeeper.domain.jobs import OnLost
from watchkeeper.storage.database import Connection, Row, fetch, fetch_one, send
from watchkeeper.storage.new_jobs import unless_all


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
    """A completed attempt; `verified` is `artifact` or `none`. `redacted`: kinds that were taken out of the summary."""

    lease: HeldLease
    verified: str = "none"
    summary: str | None = None
    output_hash: str | None = None
    redacted: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class EndedAttempt:
    """An attempt that ended in another way, with the event that the audit trail names it by.

    `redacted`: the kinds of secrets that were taken out of the error.
    """

    lease: HeldLease
    ending: Ending
    event: str
    error: str | None = None
    redacted: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Move:
    """A move of a job that does not run."""

    seq: int
    from_states: Sequence[str]
    to_state: str
    event: str
    state_reason: str | None = None
    reason: str | None = field(default=None)


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
    await send(connection.cursor(binary=True), "lock_limited_kinds", arguments)
    cursor = connection.cursor(binary=True, row_factory=args_row(ClaimedJob))
    await send(cursor, "claim", arguments)
    return cursor


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
            "verified": unless_all("none", [item.verified for item in completions]),
            "summaries": unless_all(None, [item.summary for item in completions]),
            "output_hashes": unless_all(None, [item.output_hash for item in completions]),
            "redacted": _kinds(completions),
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
            "redacted": _kinds(ended),
        },
    )


def _kinds(items: Sequence[Completion | EndedAttempt]) -> list[str | None] | None:
    """Bind the kinds of what was taken out of each text as one string: PostgreSQL's arrays have no ragged rows."""
    return unless_all(None, [",".join(item.redacted) or None for item in items])


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
