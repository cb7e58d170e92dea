"""What repairs do to jobs of our own queue; each in the transaction that records it."""

from __future__ import annotations

from watchkeeper.domain.attempts import Ending, after_lost_lease, ended_by, handed_back
from watchkeeper.domain.errors import Conflict
from watchkeeper.domain.jobs import AttemptCause, JobState, StateReason, jitter_of
from watchkeeper.domain.rules.names import RepairAction, RuleName
from watchkeeper.services.repairs.work import Action, Done, Work
from watchkeeper.storage import jobs as store
from watchkeeper.storage.database import fetch
from watchkeeper.storage.jobs import EndedAttempt, HeldLease, Move


async def release(work: Work) -> Done:
    """End the lease as handed back: nothing is used up, and the job is claimable at once."""
    ending = handed_back(store.policy_of(work.seen.row), AttemptCause.OPERATOR)
    return await _end(work, ending, "lease_released")


async def reclaim(work: Work) -> Done:
    """End the lease as lost: the job goes where its kind says."""
    row = work.seen.row
    ending = after_lost_lease(store.policy_of(row), jitter_of(row["seq"], row["epoch"]))
    return await _end(work, ending, "lease_reclaimed")


async def mark_stale(work: Work) -> Done:
    """Let the lease end now: who holds it keeps it by renewing, before it is reaped."""
    row = work.seen.row
    where = {"project_id": work.project_id, "seq": row["seq"], "epoch": row["epoch"]}
    if not await fetch(work.connection, "expire_lease", where):
        raise Conflict(f"the lease of job {row['id']} ended meanwhile")
    return Done(
        f"the lease of {row['worker_id']} under epoch {row['epoch']} may be reaped, unless it is renewed"
    )


async def pause(work: Work) -> Done:
    """Pause a job; an attempt that runs ends."""
    if work.seen.image["state"] == "running":
        return await _end(work, _decided(work, JobState.PAUSED, _pause_reason(work)), "job_paused")
    return await _move(work, JobState.PAUSED, "job_paused", _pause_reason(work))


async def fail(work: Work) -> Done:
    """Fail a job; an attempt that runs ends."""
    if work.seen.image["state"] == "running":
        return await _end(work, _decided(work, JobState.FAILED, StateReason.OPERATOR), "job_failed")
    return await _move(work, JobState.FAILED, "job_failed", StateReason.OPERATOR)


async def requeue(work: Work) -> Done:
    """Put a stuck or paused job back, with its counters cleared."""
    return await _move(work, JobState.PENDING, "job_requeued", None)


async def resume(work: Work) -> Done:
    """Let a stuck or paused job go on."""
    return await _move(work, JobState.PENDING, "job_resumed", None)


async def block_complete(work: Work) -> Done:
    """See that a job is not completed; where success was claimed over a failure, its attempt ends as stuck."""
    if work.plan.arguments.get("ends_attempt") and work.seen.image["state"] == "running":
        ending = _decided(work, JobState.STUCK, StateReason.COMMAND_FAILED_TWICE, AttemptCause.GATE)
        return await _end(work, ending, "attempt_failed")
    return Done(f"the job is {work.seen.image['state']}; without evidence that passes it does not complete")


REASONS = {
    RuleName.CRASH_LOOP.value: StateReason.CRASH_LOOP,
    RuleName.TOKEN_BUDGET_EXCEEDED.value: StateReason.BUDGET,
}
"""Why a job is paused, for the rules that have a word of their own for it."""


def _pause_reason(work: Work) -> StateReason:
    return REASONS.get(work.repair["trigger"], StateReason.OPERATOR)


def _decided(
    work: Work, state: JobState, reason: StateReason, cause: AttemptCause = AttemptCause.OPERATOR
) -> Ending:
    return ended_by(store.policy_of(work.seen.row), state, cause, reason)


async def _end(work: Work, ending: Ending, event: str) -> Done:
    row = work.seen.row
    held = HeldLease(row["seq"], row["epoch"], row["token_hash"])
    attempt = EndedAttempt(held, ending, event, work.reason)
    if not await store.end_attempts(work.connection, work.project_id, work.actor, [attempt]):
        raise Conflict(f"the lease of job {row['id']} ended meanwhile")
    return Done(
        f"the lease of {row['worker_id']} under epoch {row['epoch']} ended; the job is {ending.state.value}"
    )


async def _move(work: Work, to: JobState, event: str, state_reason: StateReason | None) -> Done:
    old = str(work.seen.image["state"])
    move = Move(work.seen.row["seq"], [old], to.value, event, state_reason, work.reason)
    if await store.move_waiting(work.connection, work.project_id, work.actor, move) is None:
        raise Conflict(f"job {work.seen.target.id} is not {old} any more")
    return Done(f"the job was {old} and is {to.value}")


OF_JOBS: dict[RepairAction, Action] = {
    RepairAction.RELEASE: release,
    RepairAction.RECLAIM: reclaim,
    RepairAction.MARK_STALE: mark_stale,
    RepairAction.PAUSE: pause,
    RepairAction.FAIL: fail,
    RepairAction.REQUEUE: requeue,
    RepairAction.RESUME: resume,
    RepairAction.BLOCK_COMPLETE: block_complete,
}
