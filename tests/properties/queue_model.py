"""The life of a job in plain Python: what the database is held against after every step."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from watchkeeper.domain.jobs import TERMINAL, JobState, OnLost, StateReason
from watchkeeper.storage.jobs import HeldLease

PENDING, RUNNING = JobState.PENDING, JobState.RUNNING
COMPLETED, FAILED = JobState.COMPLETED, JobState.FAILED
STUCK, PAUSED, CANCELLED = JobState.STUCK, JobState.PAUSED, JobState.CANCELLED


@dataclass(frozen=True)
class Policy:
    """What a kind of the model was declared with; `lease_seconds` None is what the profile has."""

    on_lost: OnLost = OnLost.HOLD
    lease_seconds: int | None = None
    max_attempts: int = 3
    max_lost_leases: int = 3
    concurrency: int | None = None


POLICIES = {
    "undeclared": Policy(),
    "short": Policy(OnLost.REQUEUE, lease_seconds=20, max_attempts=2, max_lost_leases=2),
    "limited": Policy(OnLost.REQUEUE, concurrency=2),
    "fatal": Policy(OnLost.FAIL, max_attempts=1),
}
PROFILES = {"session": 900, "runtime": 60}


@dataclass(frozen=True)
class Holding:
    """A live lease, as the holder and the reaper see it."""

    lease: HeldLease
    worker: str
    profile: str
    seconds: int
    expires_at: datetime
    used: bool = False
    cancel_requested: bool = False


@dataclass
class Job:
    """One job. `due` is when a pending job becomes claimable: None is now, a pair is a back-off with its jitter."""

    seq: int
    kind: str
    priority: int = 0
    run_at: datetime | None = None
    unique_key: str | None = None
    state: JobState = PENDING
    reason: StateReason | None = None
    epoch: int = 0
    agent_errors: int = 0
    lost_leases: int = 0
    holding: Holding | None = None
    ready: bool = True
    due: tuple[datetime, datetime] | None = None

    @property
    def policy(self) -> Policy:
        return POLICIES[self.kind]

    def go(self, state: JobState, reason: StateReason | None = None) -> tuple[int, str, str]:
        """Change the state and give the audit row that must tell of it."""
        told = (self.seq, str(self.state), str(state))
        self.state, self.reason, self.holding = state, reason, None
        self.ready, self.due = state is PENDING, None
        return told

    def wait(self, now: datetime, least: float, most: float) -> None:
        """Stay pending, but not claimable before so many seconds."""
        if most > 0:
            self.ready = False
            self.due = (now + timedelta(seconds=least), now + timedelta(seconds=most))


@dataclass
class Model:
    """All jobs of one project, with what a person has paused."""

    jobs: dict[int, Job] = field(default_factory=dict)
    old: list[HeldLease] = field(default_factory=list)
    paused_kinds: set[str] = field(default_factory=set)
    project_paused: bool = False
    claims_on: bool = True
    stopped: set[str] = field(default_factory=set)

    def running(self, kind: str | None = None) -> list[Job]:
        return [job for job in self.jobs.values() if job.state is RUNNING and kind in (None, job.kind)]

    def holder_of(self, unique_key: str, kind: str) -> Job | None:
        for job in self.jobs.values():
            if (job.unique_key, job.kind) == (unique_key, kind) and job.state not in TERMINAL:
                return job
        return None

    def claimable(self, kinds: Iterable[str] | None, limit: int) -> list[Job]:
        """Give what a claim takes, in its order."""
        if not self.claims_on or self.project_paused:
            return []
        found: list[Job] = []
        for kind, policy in POLICIES.items():
            if kind in self.paused_kinds or (kinds is not None and kind not in kinds):
                continue
            free = limit
            if policy.concurrency is not None:
                free = max(0, min(limit, policy.concurrency - len(self.running(kind))))
            ready = [
                job for job in self.jobs.values() if job.kind == kind and job.state is PENDING and job.ready
            ]
            found += sorted(ready, key=_order)[:free]
        return sorted(found, key=_order)[:limit]

    def retire(self, job: Job) -> None:
        """Keep a token that is worth nothing any more."""
        assert job.holding is not None
        self.old.append(job.holding.lease)

    def fail(self, job: Job, now: datetime) -> tuple[int, str, str]:
        """The agent said that it failed."""
        job.agent_errors += 1
        if job.agent_errors >= job.policy.max_attempts:
            return job.go(FAILED, StateReason.ATTEMPTS_USED_UP)
        told = job.go(PENDING)
        base = 10.0 * 2 ** (job.agent_errors - 1)
        job.wait(now, base * 0.75, base * 1.25)
        return told

    def lose(self, job: Job, now: datetime) -> tuple[int, str, str]:
        """The holder is gone."""
        job.lost_leases += 1
        if job.lost_leases >= job.policy.max_lost_leases or job.policy.on_lost is OnLost.FAIL:
            return job.go(FAILED, StateReason.QUARANTINED)
        if job.policy.on_lost is OnLost.HOLD:
            return job.go(PAUSED, StateReason.HELD_SIDE_EFFECTS)
        told = job.go(PENDING)
        if job.lost_leases > 1:
            base = 10.0 * 2 ** (job.lost_leases - 2)
            job.wait(now, base * 0.75, base * 1.25)
        return told

    def resume(self, job: Job, now: datetime) -> tuple[int, str, str]:
        """A person lets a held job go on: with a clean slate, at the time that it was asked for."""
        told = job.go(PENDING)
        job.agent_errors = job.lost_leases = 0
        if job.run_at is not None and job.run_at > now:
            job.ready, job.due = False, (job.run_at, job.run_at)
        return told

    def claimed(self, job: Job, holding: Holding) -> tuple[int, str, str]:
        told = job.go(RUNNING)
        job.epoch = holding.lease.epoch
        job.holding = holding
        return told

    def hold_on(self, job: Job, **changes: object) -> None:
        assert job.holding is not None
        job.holding = replace(job.holding, **changes)  # type: ignore[arg-type]


def _order(job: Job) -> tuple[int, int]:
    return (-job.priority, job.seq)
