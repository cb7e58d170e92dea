"""Whose word counts about the own queue: records on its jobs come from who holds them, or from people who operate.

What foreign queues do is known by reports alone, so those are taken from any recorder of the project; an incident that
rests on such a report and names an own worker is hearsay: nothing acts on it without a person.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from watchkeeper.domain.errors import OwnLease
from watchkeeper.domain.leases import LeaseToken
from watchkeeper.domain.principals import Right
from watchkeeper.services.holding import Caller
from watchkeeper.services.mirrored import OWN
from watchkeeper.storage.database import Connection, Row, fetch_one


@dataclass(frozen=True, slots=True)
class Holder:
    """Who was proven to hold a job, or to have held it: a record of theirs is filed under this name and epoch."""

    worker_id: str
    epoch: int


async def holder_of(connection: Connection, caller: Caller | None, job: Row | None) -> Holder | None:
    """Give under whose lease a record is filed; None where it may speak of whomever it names.

    `caller` None is the program itself. Raises OwnLease where the caller has not shown that it holds the own job, and
    for a job token that is about anything else.
    """
    if caller is None or caller.principal.may(Right.OPERATE):
        return None
    principal = caller.principal
    if job is None or job["origin"] != OWN:
        if principal.job_seq is not None:
            raise OwnLease("a job token records what its own job does, and nothing else")
        return None
    proof: dict[str, Any] = {"token_hash": None, "epoch": None, "is_bound": False}
    if principal.job_seq is not None:
        proof |= {"epoch": principal.job_epoch, "is_bound": principal.job_seq == job["seq"]}
    elif caller.lease_token:
        token = LeaseToken.parse(caller.lease_token)
        proof |= {"token_hash": token.secret_hash, "epoch": token.epoch}
    where = {"project_id": caller.project_id, "seq": job["seq"]}
    held = await fetch_one(connection, "proven_holder", {**where, **proof, "name": principal.name})
    if held is None:
        raise _refused(f"job {job['id']} is one of the own queue: who does not hold it records nothing of it")
    return Holder(held["worker_id"], held["epoch"])


async def demand_own_voice(connection: Connection, caller: Caller | None, worker_id: str | None) -> None:
    """Raise OwnLease where somebody speaks of a worker of the own queue, but at no job, and not by its own name."""
    if caller is None or worker_id is None or caller.principal.may(Right.OPERATE):
        return
    where = {"project_id": caller.project_id, "worker_id": worker_id}
    is_another = caller.principal.name != f"{caller.project_id}/{worker_id}"
    if is_another and await fetch_one(connection, "own_worker", where) is not None:
        raise _refused(f"{worker_id} is a worker of the own queue: what it does is known here already")


def _refused(message: str) -> OwnLease:
    return OwnLease(
        message,
        hint="Send the lease's token in Watchkeeper-Lease, or use the job's own token, or a supervisor's.",
    )
