"""What repairs do to workers and kinds, and what they put before people."""

from __future__ import annotations

from watchkeeper.domain.errors import Conflict
from watchkeeper.domain.jobs import StateReason
from watchkeeper.domain.repair_proposals import draft_of
from watchkeeper.domain.rules.names import RepairAction
from watchkeeper.services.proposals import propose
from watchkeeper.services.repairs.work import Action, Done, Work
from watchkeeper.storage import jobs as store
from watchkeeper.storage.database import fetch
from watchkeeper.storage.jobs import Move

MOST_FAILED_AT_ONCE = 10_000


async def stop_worker(work: Work) -> Done:
    """Refuse a worker's claims; one that is stopped already stays so."""
    worker = work.seen.target.id
    if work.seen.image["stopped"]:
        return Done(f"{worker} was stopped already: {work.seen.image['stop_reason']}")
    await fetch(work.connection, "stop_worker", {**_worker(work), "actor": work.actor, "reason": work.reason})
    return Done(f"{worker} may not claim until a supervisor resumes it")


async def resume_worker(work: Work) -> Done:
    """Let a stopped worker claim again."""
    await fetch(
        work.connection, "unstop_worker", {**_worker(work), "actor": work.actor, "reason": work.reason}
    )
    return Done(f"{work.seen.target.id} may claim again")


async def pause_kind(work: Work) -> Done:
    """Let no job of a kind be claimed."""
    await fetch(work.connection, "set_kind_paused", {**_kind(work), "paused": True})
    return Done(f"no job of {work.seen.target} is claimed; what runs goes on")


async def fail_kind(work: Work) -> Done:
    """Fail the jobs of a kind that wait, each with its own row in the trail."""
    where = {"project_id": work.project_id, "kind": work.seen.target.id, "limit": MOST_FAILED_AT_ONCE + 1}
    waiting = await fetch(work.connection, "waiting_of_kind", where)
    if len(waiting) > MOST_FAILED_AT_ONCE:
        raise Conflict(f"more than {MOST_FAILED_AT_ONCE:,} jobs wait: cancel them by 'watchkeeper jobs'")
    for row in waiting:
        move = Move(
            row["seq"], ["pending"], "failed", "job_failed", StateReason.NO_ELIGIBLE_WORKER, work.reason
        )
        await store.move_waiting(work.connection, work.project_id, work.actor, move)
    return Done(f"{len(waiting)} jobs of {work.seen.target} failed")


async def put_proposal(work: Work) -> Done:
    """Put a proposal before people; one that waits already stays alone."""
    draft = draft_of(work.repair)
    made = await propose(work.connection, work.redactor, draft, actor=work.actor)
    said = "was written" if made.is_new else "waits already"
    output = f"proposal {made.id} {said}: {draft.decision}"
    return Done(
        output, made={"proposal_id": str(made.id), "is_new": made.is_new, "fingerprint": draft.fingerprint}
    )


def _worker(work: Work) -> dict[str, str]:
    return {"project_id": work.project_id, "worker_id": work.seen.target.id}


def _kind(work: Work) -> dict[str, str]:
    return {
        "project_id": work.project_id,
        "kind": work.seen.target.id,
        "actor": work.actor,
        "reason": work.reason,
    }


OF_THE_FLEET: dict[RepairAction, Action] = {
    RepairAction.STOP_WORKER: stop_worker,
    RepairAction.RESUME_WORKER: resume_worker,
    RepairAction.PAUSE_KIND: pause_kind,
    RepairAction.FAIL_KIND: fail_kind,
    RepairAction.PROPOSE: put_proposal,
}
