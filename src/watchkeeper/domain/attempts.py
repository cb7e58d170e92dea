"""Where a job goes when an attempt at it ends without completion: a pure function of cause, counters and policy."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from watchkeeper.domain.jobs import (
    LEASE_FAILURE_CODE,
    AttemptCause,
    JobState,
    OnLost,
    StateReason,
    backoff_seconds,
)

INFRASTRUCTURE_DELAY_SECONDS = 10.0
"""The wait after a failure of the machine, so that a broken one does not spin through the queue."""


class OnGateFailed(StrEnum):
    """What becomes of a job whose evidence did not pass. `retry_once` tries once more, then holds it as stuck."""

    STUCK = "stuck"
    PAUSE = "pause"
    RETRY_ONCE = "retry_once"


@dataclass(frozen=True, slots=True)
class AttemptPolicy:
    """What a kind says about lost and failed attempts, and what the job has used up of it."""

    on_lost: OnLost
    max_attempts: int
    max_lost_leases: int
    agent_errors: int
    lost_leases: int


@dataclass(frozen=True, slots=True)
class Ending:
    """Where the job goes, with its counters; `delay` is in seconds and counts for pending only."""

    state: JobState
    outcome: str
    cause: AttemptCause
    agent_errors: int
    lost_leases: int
    state_reason: StateReason | None = None
    code: str | None = None
    delay: float = 0.0


def after_failure(policy: AttemptPolicy, jitter: float) -> Ending:
    """The agent said that it failed: try again after a backoff, until max_attempts is used up."""
    errors = policy.agent_errors + 1
    if errors >= policy.max_attempts:
        return Ending(
            JobState.FAILED,
            "failed",
            AttemptCause.AGENT_ERROR,
            errors,
            policy.lost_leases,
            StateReason.ATTEMPTS_USED_UP,
            LEASE_FAILURE_CODE,
        )
    delay = backoff_seconds(errors, jitter)
    return Ending(
        JobState.PENDING, "failed", AttemptCause.AGENT_ERROR, errors, policy.lost_leases, delay=delay
    )


def after_lost_lease(policy: AttemptPolicy, jitter: float) -> Ending:
    """The holder is gone: act as the kind says, until max_lost_leases is reached."""
    lost = policy.lost_leases + 1
    if lost >= policy.max_lost_leases or policy.on_lost is OnLost.FAIL:
        return Ending(
            JobState.FAILED,
            "lost",
            AttemptCause.LEASE_LOST,
            policy.agent_errors,
            lost,
            StateReason.QUARANTINED,
            LEASE_FAILURE_CODE,
        )
    if policy.on_lost is OnLost.HOLD:
        return Ending(
            JobState.PAUSED,
            "lost",
            AttemptCause.LEASE_LOST,
            policy.agent_errors,
            lost,
            StateReason.HELD_SIDE_EFFECTS,
        )
    delay = 0.0 if lost == 1 else backoff_seconds(lost - 1, jitter)
    return Ending(JobState.PENDING, "lost", AttemptCause.LEASE_LOST, policy.agent_errors, lost, delay=delay)


def handed_back(policy: AttemptPolicy, cause: AttemptCause, delay: float = 0.0) -> Ending:
    """Nobody's fault that counts (released, infrastructure, quota): pending again, nothing used up."""
    if cause is AttemptCause.INFRASTRUCTURE:
        delay = max(delay, INFRASTRUCTURE_DELAY_SECONDS)
    outcome = "released" if cause is AttemptCause.OPERATOR else "failed"
    return Ending(JobState.PENDING, outcome, cause, policy.agent_errors, policy.lost_leases, delay=delay)


def after_gate_failure(
    policy: AttemptPolicy, refused: StateReason, on_failed: OnGateFailed, earlier: int
) -> Ending:
    """The gate did not pass, as in `earlier` attempts before: nothing is used up.

    Of evidence that failed the setting decides; a contract that was refused for good is for a person.
    """
    is_evidence = refused is StateReason.GATE_FAILED
    if is_evidence and on_failed is OnGateFailed.RETRY_ONCE and not earlier:
        errors, lost = policy.agent_errors, policy.lost_leases
        return Ending(JobState.PENDING, "failed", AttemptCause.GATE, errors, lost)
    is_paused = is_evidence and on_failed is OnGateFailed.PAUSE
    return ended_by(policy, JobState.PAUSED if is_paused else JobState.STUCK, AttemptCause.GATE, refused)


def ended_by(policy: AttemptPolicy, state: JobState, cause: AttemptCause, reason: StateReason) -> Ending:
    """Somebody decided the end (a gate, an operator): the job goes to `state` for that reason."""
    return Ending(state, state.value, cause, policy.agent_errors, policy.lost_leases, reason)
