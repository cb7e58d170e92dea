"""Proof that a caller holds a job: by the lease token in a header, or by a job token that is bound to the epoch."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from watchkeeper.domain.errors import JobNotFound, StaleLease
from watchkeeper.domain.leases import LeaseToken
from watchkeeper.domain.principals import Principal
from watchkeeper.services.operations import as_uuid
from watchkeeper.storage.database import Connection, Database, Row, fetch_one
from watchkeeper.storage.jobs import HeldLease


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls a job's contract command. `lease_token` is the header's text, None where there was none."""

    principal: Principal
    project_id: str
    lease_token: str | None


@dataclass(frozen=True, slots=True)
class Claim:
    """What a caller says it holds, not yet checked. `token_hash` is None for a job token."""

    job_id: str
    seq: int
    kind: str
    epoch: int
    token_hash: bytes | None


@dataclass(frozen=True, slots=True)
class Holding:
    """A lease that was held, and renewed, a moment ago, for `seconds`."""

    claim: Claim
    lease: HeldLease
    worker_id: str
    expires_at: datetime
    seconds: int
    cancel_requested: bool


async def find_claim(connection: Connection, caller: Caller, job: str) -> Claim:
    """Find the job and read what the caller says it holds of it.

    Raises JobNotFound, also for a job that a job token is not bound to; StaleLease for a missing or broken lease token.
    """
    row = await job_row(connection, caller.project_id, job)
    principal = caller.principal
    if principal.job_seq is not None and principal.job_epoch is not None:
        if row is None or row["seq"] != principal.job_seq:
            raise JobNotFound(f"there is no job {job[:100]!r} for this token")
        return Claim(str(row["id"]), row["seq"], row["kind"], principal.job_epoch, None)
    if row is None:
        raise JobNotFound(f"there is no job {job[:100]!r} here")
    if not caller.lease_token:
        raise StaleLease("no lease token came with the request", hint="Claim the job first.")
    token = LeaseToken.parse(caller.lease_token)
    return Claim(str(row["id"]), row["seq"], row["kind"], token.epoch, token.secret_hash)


async def job_row(connection: Connection, project_id: str, job: str) -> Row | None:
    """Find a job's number and kind by its id or its foreign id."""
    row = None
    if (job_id := as_uuid(job)) is not None:
        row = await fetch_one(connection, "job_seq", {"project_id": project_id, "id": job_id})
    return row or await fetch_one(
        connection, "job_seq_by_external_id", {"project_id": project_id, "external_id": job}
    )


async def id_of_job(database: Database, project_id: str, job: str | None) -> UUID | None:
    """Give the id by which records of a job are found, also where the job itself is gone; None for no job.

    Raises JobNotFound for a foreign id of a job that is not there.
    """
    if job is None:
        return None
    async with database.transaction() as connection:
        row = await job_row(connection, project_id, job)
    found: UUID | None = row["id"] if row is not None else as_uuid(job)
    if found is None:
        raise JobNotFound(f"there is no job {job[:100]!r} here")
    return found


async def hold(
    connection: Connection,
    project_id: str,
    claim: Claim,
    *,
    phase: str | None = None,
    progressed: bool = False,
) -> Holding:
    """Renew the lease and mark it used; raise StaleLease when it is no longer held."""
    arguments: dict[str, Any] = {
        "project_id": project_id,
        "seq": claim.seq,
        "epoch": claim.epoch,
        "phase": phase,
        "progressed": progressed,
    }
    if claim.token_hash is None:
        row = await fetch_one(connection, "use_lease_of_job_token", arguments)
    else:
        row = await fetch_one(connection, "use_lease", {**arguments, "token_hash": claim.token_hash})
    if row is None:
        raise StaleLease
    token_hash = claim.token_hash or row["token_hash"]
    return Holding(
        claim,
        HeldLease(claim.seq, claim.epoch, token_hash),
        row["worker_id"],
        row["expires_at"],
        row["lease_seconds"],
        row["cancel_requested"],
    )
