"""What the watchdog's rules look at: small facts of leases, queues and workers, as they are in the database.

Facts of the own queue and those that were recorded from outside have one form; no rule asks which it has before it.
All times are the database's; what a sender's clock said is not among them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


@dataclass(frozen=True, slots=True)
class LeaseFact:
    """A live lease. `renewed_at` is when it was last heard of; before `quiet_until` nobody judges it.

    After a gap in the watch (a database that was away, a clock that jumped) its holder gets a whole period to renew.
    """

    project_id: str
    job_id: UUID
    epoch: int
    kind: str
    worker_id: str
    lease_seconds: float
    claimed_at: datetime
    renewed_at: datetime
    expires_at: datetime
    quiet_until: datetime
    progress_at: datetime | None = None
    is_mirrored: bool = False


class Wait(StrEnum):
    """Why a due job waits where no pause, limit or full pool explains it."""

    MOVABLE = "movable"
    UNSERVED = "unserved"


@dataclass(frozen=True, slots=True)
class QueueFact:
    """A kind whose next job waits though it need not, `since` when without a break.

    `was_asked`: somebody who is free came by meanwhile; a contract worker comes once a heartbeat.
    """

    project_id: str
    kind: str
    wait: Wait
    since: datetime
    head_job_id: UUID | None = None
    free_workers: int = 0
    stopped_workers: int = 0
    draining_workers: int = 0
    was_asked: bool = True
    origin: str = "own"
