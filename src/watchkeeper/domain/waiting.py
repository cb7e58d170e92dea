"""Why a job that could run does not: each reason of the closed list, in words, with what would change it."""

from __future__ import annotations

from dataclasses import dataclass

from watchkeeper.domain.jobs import WaitingReason


@dataclass(frozen=True, slots=True)
class Waiting:
    """A sentence for a person, and what would let the job go on."""

    sentence: str
    changes: str


WAITING: dict[WaitingReason, Waiting] = {
    WaitingReason.PAUSED: Waiting(
        "it, its kind or its project is paused", "a person who resumes what is paused"
    ),
    WaitingReason.NOT_DUE: Waiting("its time has not come", "its time; nothing else is in its way"),
    WaitingReason.NO_ELIGIBLE_WORKER: Waiting(
        "no live worker takes its kind", "a worker that registers with this kind, or with all kinds"
    ),
    WaitingReason.LIMIT_FULL: Waiting(
        "as many jobs of its kind run as may at a time", "the end of one of these, or a higher 'concurrency'"
    ),
    WaitingReason.UNIQUE_BLOCKED: Waiting(
        "another unfinished job has its unique key", "the end of that job, or another key"
    ),
    WaitingReason.LEASE_DEAD: Waiting(
        "the lease of its attempt ran out, and nobody has taken it back",
        "the reaper's next tick, or a renewal by its holder",
    ),
    WaitingReason.QUOTA_PARKED: Waiting(
        "the pool of every worker that takes its kind is parked: a quota is used up, or a login is refused",
        "the reset of that quota, or a person who logs in; the workers' facts say which",
    ),
    WaitingReason.QUARANTINED: Waiting(
        "its leases were lost too often", "a person who knows why its workers died, and requeues it"
    ),
    WaitingReason.WORKER_STOPPED: Waiting(
        "every worker that takes its kind is stopped",
        "a supervisor who resumes one: 'watchkeeper workers resume'",
    ),
    WaitingReason.CLAIMS_OFF: Waiting(
        "all claims are turned off", "an owner who turns them on: 'watchkeeper switch claims on'"
    ),
}

STANDS_STILL = Waiting(
    "all claims are turned off: the database was restored from a backup and stands still",
    "an operator who lets it move again: 'watchkeeper db resume', on a machine that has the database",
)
"""In place of `claims_off` after a restore: the switch cannot be turned on before."""

CLAIMABLE = Waiting("a worker may take it at once", "the next claim of a worker that takes its kind")
RUNNING = Waiting("it runs under a live lease", "its completion, or the end of its lease")
RUNNING_ON = Waiting(
    "it runs, and its lease has ended", "a renewal by its holder, its completion, or whoever takes it back"
)
RUNNING_UNTOLD = Waiting(
    "it runs, and nobody told when its lease ends", "its completion, or a report of its lease"
)
THERE = Waiting("it waits in the foreign queue that it lives in", "a claim there")
COMPLETED = Waiting("it is completed", "nothing: this is its end")
CANCELLED = Waiting("it was cancelled", "a requeue, which makes a new job")
