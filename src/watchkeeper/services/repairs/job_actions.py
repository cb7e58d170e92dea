"""What repairs do to jobs of our own queue; each in the transaction that records it."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from watchkeeper.domain.attempts import Ending, after_lost_lease, handed_back
from watchkeeper.domain.errors import Conflict
from watchkeeper.domain.jobs import AttemptCause
from watchkeeper.domain.repairs import Plan
from watchkeeper.domain.rules.names import RepairAction
from watchkeeper.services.repairs.targets import Seen
from watchkeeper.storage import jobs as store
from watchkeeper.storage.database import Connection, Row
from watchkeeper.storage.jobs import EndedAttempt, HeldLease


@dataclass(frozen=True, slots=True)
class Work:
    """A repair in hand: its locked row, its plan, the target as it was just seen, and in whose name."""

    connection: Connection
    repair: Row
    plan: Plan
    seen: Seen
    actor: str

    @property
    def project_id(self) -> str:
        return str(self.repair["project_id"])

    @property
    def reason(self) -> str:
        return f"repair {self.repair['id']}: {self.repair['reason']}"


async def release(work: Work) -> str:
    """End the lease as handed back: nothing is used up, and the job is claimable at once."""
    ending = handed_back(store.policy_of(work.seen.row), AttemptCause.OPERATOR)
    return await _end(work, ending, "lease_released")


async def reclaim(work: Work) -> str:
    """End the lease as lost: the job goes where its kind says."""
    # Back-off jitter spreads load; nothing secret depends on it.
    ending = after_lost_lease(store.policy_of(work.seen.row), random.random())  # noqa: S311
    return await _end(work, ending, "lease_reclaimed")


async def _end(work: Work, ending: Ending, event: str) -> str:
    row = work.seen.row
    held = HeldLease(row["seq"], row["epoch"], row["token_hash"])
    attempt = EndedAttempt(held, ending, event, work.reason)
    if not await store.end_attempts(work.connection, work.project_id, work.actor, [attempt]):
        raise Conflict(f"the lease of job {row['id']} ended meanwhile")
    return (
        f"the lease of {row['worker_id']} under epoch {row['epoch']} ended; the job is {ending.state.value}"
    )


Action = Callable[[Work], Awaitable[str]]

OF_JOBS: dict[RepairAction, Action] = {
    RepairAction.RELEASE: release,
    RepairAction.RECLAIM: reclaim,
}
