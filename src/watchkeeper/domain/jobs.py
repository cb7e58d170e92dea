"""The life of a job: its states, the transitions between them, and the closed lists of reasons and causes.

The lists are the published ones (docs/reference/lists.md); docs/state-machines.md is generated from the tables here.
"""

from __future__ import annotations

from enum import StrEnum
from zlib import crc32


class JobState(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    STUCK = "stuck"
    PAUSED = "paused"
    CANCELLED = "cancelled"


TRANSITIONS: dict[JobState, frozenset[JobState]] = {
    JobState.PENDING: frozenset({JobState.RUNNING, JobState.PAUSED, JobState.CANCELLED, JobState.FAILED}),
    JobState.RUNNING: frozenset(
        {
            JobState.COMPLETED,
            JobState.FAILED,
            JobState.STUCK,
            JobState.PAUSED,
            JobState.CANCELLED,
            JobState.PENDING,
        }
    ),
    JobState.STUCK: frozenset({JobState.PENDING, JobState.PAUSED, JobState.FAILED, JobState.CANCELLED}),
    JobState.PAUSED: frozenset({JobState.PENDING, JobState.FAILED, JobState.CANCELLED}),
    JobState.COMPLETED: frozenset(),
    JobState.FAILED: frozenset(),
    JobState.CANCELLED: frozenset(),
}

TERMINAL = frozenset(state for state, targets in TRANSITIONS.items() if not targets)


class StateReason(StrEnum):
    GATE_FAILED = "gate_failed"
    CONTRACT_REJECTED = "contract_rejected"
    QUARANTINED = "quarantined"
    HELD_SIDE_EFFECTS = "held_side_effects"
    CRASH_LOOP = "crash_loop"
    COMMAND_FAILED_TWICE = "command_failed_twice"
    RESTORED = "restored"
    AGENT_STALLED = "agent_stalled"
    BUDGET = "budget"
    NO_ELIGIBLE_WORKER = "no_eligible_worker"
    OPERATOR = "operator"
    QUEUE_PAUSED = "queue_paused"
    KIND_PAUSED = "kind_paused"
    ATTEMPTS_USED_UP = "attempts_used_up"


class WaitingReason(StrEnum):
    PAUSED = "paused"
    NOT_DUE = "not_due"
    NO_ELIGIBLE_WORKER = "no_eligible_worker"
    LIMIT_FULL = "limit_full"
    UNIQUE_BLOCKED = "unique_blocked"
    LEASE_DEAD = "lease_dead"
    QUOTA_PARKED = "quota_parked"
    QUARANTINED = "quarantined"
    WORKER_STOPPED = "worker_stopped"
    CLAIMS_OFF = "claims_off"


class LateVerdict(StrEnum):
    """What a person says of a completion that came too late: its results are used, or they are not."""

    ACCEPT = "accept"
    DISCARD = "discard"


class AttemptCause(StrEnum):
    AGENT_ERROR = "agent_error"
    INFRASTRUCTURE = "infrastructure"
    LEASE_LOST = "lease_lost"
    QUOTA = "quota"
    GATE = "gate"
    OPERATOR = "operator"


class OnLost(StrEnum):
    REQUEUE = "requeue"
    HOLD = "hold"
    FAIL = "fail"


LEASE_FAILURE_CODE = "E-RUN-002"
"""The failure code of a job whose leases or attempts are used up."""


def may_move(old: JobState, new: JobState) -> bool:
    """Say whether the table of transitions allows `old` -> `new`."""
    return new in TRANSITIONS[old]


def jitter_of(seq: int, epoch: int) -> float:
    """Give the share in [0, 1) that spreads the retries of jobs: the same for the same attempt, so that it can be told.

    CRC-32 (ISO 3309) of both numbers; nothing secret depends on it.
    """
    return crc32(f"{seq}/{epoch}".encode()) / 2**32


def backoff_seconds(errors: int, jitter: float) -> float:
    """Give the wait before the next attempt after `errors` agent errors.

    10 s doubled for each further error, at most an hour, times 0.75 to 1.25 by `jitter` in [0, 1): full waves of
    equal retries are what jitter is there to break up.
    """
    base = min(10.0 * 2.0 ** min(max(errors, 1) - 1, 20), 3600.0)
    return base * (0.75 + 0.5 * jitter)
