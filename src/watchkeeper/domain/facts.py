"""What the watchdog's rules look at: small facts of leases, queues and workers, as they are in the database.

Facts of the own queue and those that were recorded from outside have one form; no rule asks which it has before it.
All times are the database's; what a sender's clock said is not among them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from watchkeeper.domain.heartbeat_checks import UNJUDGED, StepVerdict


@dataclass(frozen=True, slots=True)
class LeaseFact:
    """A live lease. `renewed_at` is when it was last heard of; before `quiet_until` nobody judges it.

    After a gap in the watch (a database that was away, a clock that jumped) its holder gets a whole period to renew,
    unless it was heard of since, and a whole period more to progress in any case.
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
    progress_due_at: datetime | None = None
    """When its kind's progress deadline passes, for a job that owes an artifact and has none verified."""
    told_success_at: datetime | None = None
    """When its holder said that it was done, and something that was seen spoke against it."""
    is_mirrored: bool = False
    is_session: bool = False


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


@dataclass(frozen=True, slots=True)
class CommandFact:
    """One execution of a contract command that did not go well, or whose output held a secret.

    `refusals`: how often this command was refused in a row on this job, this time included. `secrets` names the kinds
    of what was taken out of its output. `is_own_word`: our own server refused, and wrote down itself what that means.
    `is_stopped`: its worker was stopped then, which its doctor says too.
    `verdict`: what the policy's checks make of it. `ref` names the row that tells of it, where that is no helper event.
    """

    project_id: str
    id: UUID
    command: str
    exit_code: int
    received_at: datetime
    error_code: str | None = None
    worker_id: str | None = None
    job_id: UUID | None = None
    kind: str | None = None
    refusals: int = 1
    secrets: tuple[str, ...] = ()
    is_own_word: bool = False
    is_stopped: bool = False
    is_mirrored: bool = False
    verdict: StepVerdict = UNJUDGED
    ref: str | None = None


@dataclass(frozen=True, slots=True)
class CheckFact:
    """A look at a job's artifact that did not pass. `decides`: a completion hangs on it, it was no look beforehand."""

    project_id: str
    id: UUID
    job_id: UUID
    received_at: datetime
    decides: bool
    failed: tuple[str, ...] = ()
    primary_url: str | None = None
    worker_id: str | None = None
    kind: str | None = None
    is_mirrored: bool = False


@dataclass(frozen=True, slots=True)
class AttemptFact:
    """An attempt that failed, and how those before it on the same job failed: (cause, error), itself included."""

    project_id: str
    job_id: UUID
    epoch: int
    kind: str
    worker_id: str
    received_at: datetime
    cause: str
    error: str | None
    failures: tuple[tuple[str, str | None], ...]
    is_mirrored: bool = False


@dataclass(frozen=True, slots=True)
class RunFact:
    """A phase that was told as done, or whose words held a secret.

    `failed_complete`: the job's last completion before it, which failed. `owes_artifact`: it has a contract, or is
    somebody else's job, and no artifact of it was verified. `ref` names the row that says so.
    """

    project_id: str
    ref: str
    worker_id: str
    phase: str
    received_at: datetime
    job_id: UUID | None = None
    kind: str | None = None
    is_done: bool = False
    failed_complete: UUID | None = None
    owes_artifact: bool = False
    secrets: tuple[str, ...] = ()
    is_mirrored: bool = False
    verdict: StepVerdict = UNJUDGED


@dataclass(frozen=True, slots=True)
class Round:
    """One heartbeat of a contract worker whose claim was answered.

    `advanced`: its job has a verified artifact, or is done. `is_over`: the worker holds that job no more, and no quota
    took it. `is_silent`: the worker holds it still, and nothing came of it since this round.
    """

    id: UUID
    at: datetime
    job_id: UUID | None = None
    advanced: bool = False
    is_over: bool = True
    is_silent: bool = False


@dataclass(frozen=True, slots=True)
class WorkerFact:
    """A worker after a heartbeat: its checks, its last rounds (the newest last), and what waits.

    `backlog` names the kinds that have due jobs; `told_backlog` is that of the last time its idleness was settled.
    `held` are the jobs it holds, of which a contract worker has one at most. `is_stopped`: its doctor fails for that.
    """

    project_id: str
    worker_id: str
    doctor: StepVerdict = UNJUDGED
    touch: StepVerdict = UNJUDGED
    last_heartbeat: UUID | None = None
    rounds: tuple[Round, ...] = ()
    backlog: str = ""
    told_backlog: str | None = None
    held: tuple[UUID, ...] = ()
    is_stopped: bool = False
    is_mirrored: bool = False


@dataclass(frozen=True, slots=True)
class LostArtifactFact:
    """A stored file of a job that is gone, or is not what it was."""

    project_id: str
    id: UUID
    job_id: UUID
    received_at: datetime
    name: str
    sha256: str | None = None
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class AgentSessionFact:
    """An agent's session as its supervisor told of it last, at `heard_at`.

    `failure` and `action` are the classifier's words. `is_running`: its job runs under its epoch still. `left` are
    processes that its sweep could not prove to be its own. Nobody may be silent for `silence_limit_seconds`.
    """

    project_id: str
    id: UUID
    worker_id: str
    agent: str
    heard_at: datetime
    job_id: UUID | None = None
    epoch: int | None = None
    kind: str | None = None
    is_over: bool = False
    is_running: bool = True
    failure: str | None = None
    action: str = "none"
    because: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    last_event: str | None = None
    restarts: int = 0
    tokens_used: int | None = None
    tokens_limit: int | None = None
    cost: float | None = None
    cost_limit: float | None = None
    left: tuple[Mapping[str, Any], ...] = ()
    host_id: str | None = None
    silence_limit_seconds: float = 660.0
    is_mirrored: bool = False


@dataclass(frozen=True, slots=True)
class SightFact:
    """How well the watchdog itself sees. Lengths in seconds; None where nothing of the sort is there.

    `missed_seconds`: so long nobody watched although the database was there and could be reached.
    """

    missed_seconds: float = 0.0
    unread_seconds: float | None = None
    pinned_seconds: float | None = None
    pinned_by: str | None = None
    unsealed_seconds: float | None = None
