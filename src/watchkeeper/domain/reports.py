"""What is recorded from outside, beside the attempts at jobs: heartbeats, counters, phases, commands, checks.

Times in them are the sender's. They are kept as `reported_at` and decide nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from watchkeeper.domain.mirrored import HELPER

LONGEST_PHASE = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """One round of a worker, from doctor to complete, as [S2] writes it. `answers`: what each step answered."""

    worker_id: str
    status: str
    automation_id: str | None = None
    doctor_ok: bool | None = None
    touch_ok: bool | None = None
    claim_ok: bool | None = None
    job: str | None = None
    origin: str = HELPER
    kind: str | None = None
    attempt_id: str | None = None
    lease_expires_at: datetime | None = None
    id: UUID | None = None
    reported_at: datetime | None = None
    answers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def found_no_job(self) -> bool:
        """Say whether its claim went well and brought nothing."""
        return self.claim_ok is True and self.job is None


@dataclass(frozen=True, slots=True)
class QueueCounters:
    """One kind's counters in a foreign queue. `claimed_total` only rises, and tells movement best."""

    kind: str
    ready: int
    scheduled: int = 0
    running: int = 0
    stuck: int = 0
    paused: int = 0
    oldest_ready_age_s: float | None = None
    eligible_workers: int | None = None
    claimed_total: int | None = None
    is_paused: bool = False


@dataclass(frozen=True, slots=True)
class Counters:
    """A foreign queue's counters, of every kind that it has."""

    queues: Sequence[QueueCounters]
    origin: str = HELPER
    reported_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class WorkerRun:
    """One phase of an attempt. `redacted`: kinds of secrets that its sender took out of the message."""

    worker_id: str
    phase: str
    status: str
    job: str | None = None
    origin: str = HELPER
    kind: str | None = None
    attempt_id: str | None = None
    message: str | None = None
    payload: Any = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    id: UUID | None = None
    redacted: Sequence[str] = ()

    @property
    def seconds(self) -> float:
        """Give how long it took: a sender's clock gives lengths, not times."""
        if self.started_at is None or self.ended_at is None:
            return 0.0
        return min(max(self.ended_at - self.started_at, timedelta(0)), LONGEST_PHASE).total_seconds()


@dataclass(frozen=True, slots=True)
class CommandRun:
    """One execution of a foreign helper's command. Without `output` its given hash is kept.

    `redacted`: kinds of secrets that its sender took out of the output.
    """

    command: str
    exit_code: int
    worker_id: str | None = None
    job: str | None = None
    origin: str = HELPER
    kind: str | None = None
    output: str | None = None
    output_hash: str | None = None
    error_code: str | None = None
    id: UUID | None = None
    reported_at: datetime | None = None
    redacted: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class OutsideCheck:
    """One look at a job's primary artifact, made elsewhere. Whether it passed is judged here, by what it found."""

    job: str
    primary_url: str
    http_status: int | None = None
    file_count: int = 0
    command: str = "verify"
    origin: str = HELPER
    kind: str | None = None
    files: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    failed: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    output: str | None = None
    output_hash: str | None = None
    id: UUID | None = None
    reported_at: datetime | None = None

    def passed(self, statuses: frozenset[int]) -> bool:
        """Say whether it opened with one of `statuses`, listed files, and nothing failed."""
        return self.http_status in statuses and self.file_count > 0 and not self.failed
