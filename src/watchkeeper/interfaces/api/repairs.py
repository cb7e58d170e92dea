"""Repairs: asked for, looked at, decided, undone; and the policy that they go by, with its breakers."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field, StringConstraints

from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.principals import Right
from watchkeeper.domain.rules.names import RepairAction
from watchkeeper.interfaces.api.answers import answer, listed
from watchkeeper.interfaces.api.auth import Here
from watchkeeper.interfaces.api.documents import JOB_ID, TIME, declared
from watchkeeper.interfaces.api.guarded import ActRoute, GuardedRoute, KeyedRoute
from watchkeeper.interfaces.api.pages import AfterId, Format, Limit
from watchkeeper.interfaces.api.schemas import Body, Key, Reason, Word, WorkerId
from watchkeeper.services.repairs.desk import Wish

PREFIX = "/api/watchdog/repair-actions"
reads = APIRouter(prefix=PREFIX, tags=["repairs"], route_class=GuardedRoute)
asks = APIRouter(prefix=PREFIX, tags=["repairs"], route_class=KeyedRoute)
acts = APIRouter(prefix=PREFIX, tags=["repairs"], route_class=ActRoute)
policy_reads = APIRouter(prefix="/api/policy", tags=["policy"], route_class=GuardedRoute)
policy_acts = APIRouter(prefix="/api/policy", tags=["policy"], route_class=ActRoute)

OTHER_WORDS = {"touch": "ask_renewal", "retry": "requeue", "mark_stuck": "mark_stale"}
"""What other platforms call an action at a job, and what it is called here."""

AskedAction = Literal[
    "touch",
    "retry",
    "mark_stuck",
    "release",
    "reclaim",
    "mark_stale",
    "ask_renewal",
    "requeue",
    "resume",
    "pause",
    "fail",
    "block_complete",
    "retouch",
    "stop_worker",
    "resume_worker",
    "pause_kind",
    "fail_kind",
]
State = Literal[
    "proposed",
    "approved",
    "executing",
    "succeeded",
    "failed",
    "needs_human",
    "rolled_back",
    "rejected",
    "expired",
]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]

PLAN = {
    "action": "release",
    "target": {"what": "job", "id": JOB_ID},
    "preconditions": {"state": "running", "epoch": 2},
    "steps": ["end the lease of w-1 under epoch 2", "make the job claimable at once"],
    "blast_radius": "one attempt at one job: what w-1 does later under it is refused",
    "authority": "supervisor",
    "undo": "its former worker, while it lives and was not told, gets a new lease under a new epoch",
}
REPAIR: dict[str, Any] = {
    "id": JOB_ID,
    "state": "proposed",
    "result": None,
    "trigger": "queue_stuck",
    "action": "release",
    "authority": "supervisor",
    "actor": "system",
    "reason": "nothing moves",
    "plan": PLAN,
    "plan_digest": "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef",
    "created_at": TIME,
}
ONE = {"repair": REPAIR}


class RepairBody(Body):
    """A repair of exactly one job, worker or kind. `on_behalf_of` names who wants it, who may not approve it then.

    As a record of another platform it may come with `job_id` for the job and `trigger` for the reason; `id` and
    `authority` are read and not gone by: the plan here says who may. What has a `result` already is nothing to ask for.
    """

    action: AskedAction
    reason: Reason | None = None
    trigger: Reason | None = None
    job_id: Key | None = None
    id: Annotated[UUID, Field(strict=False)] | None = None
    authority: Literal["worker", "supervisor", "system"] | None = None
    result: Literal["needs_human"] | None = None
    job: Key | None = None
    worker: WorkerId | None = None
    kind: Word | None = None
    incident: Annotated[UUID, Field(strict=False)] | None = None
    on_behalf_of: Word | None = None
    dry_run: bool = False


class WordBody(Body):
    """A person's word. `plan_digest` is that of the plan which was seen; `dry_run` tells what would come of it."""

    reason: Reason
    plan_digest: Digest | None = None
    dry_run: bool = False


class SaidBody(Body):
    """A word that needs no plan; `dry_run` tells what would come of it."""

    reason: Reason
    dry_run: bool = False


class ResetBody(Body):
    """`waiting`: what becomes of the repairs that waited."""

    pool: Word = "default"
    waiting: Literal["run", "drop"]
    reason: Reason


@reads.get("", **declared(Right.READ, name="list", example={"repairs": [REPAIR], "next_cursor": None}))
async def list_repairs(
    access: Here,
    state: State | None = None,
    action: Annotated[
        str | None, Query(max_length=50, description="One action only; `reap` shows reapings.")
    ] = None,
    limit: Limit = 100,
    cursor: AfterId = None,
    as_: Format = "json",
) -> Response:
    """List repairs, the newest first; reapings only where they are asked for."""
    rows, following = await access.app.watchdog.repairs.list(
        await access.project(), state=state, action=action, before=cursor, limit=limit
    )
    return listed("repairs", rows, following, as_)


@reads.get("/{repair_id}", **declared(Right.READ, version_of="repair", name="show", example=ONE))
async def show_repair(repair_id: UUID, access: Here) -> Response:
    """Give one repair with its plan, what came of it, and everything that was said on it."""
    return answer(repair=await access.app.watchdog.repairs.show(await access.project(), repair_id))


@asks.post("", **declared(Right.SUGGEST_REPAIR, name="ask", key="optional", status=201, example=ONE))
async def ask_repair(body: RepairBody, access: Here) -> Response:
    """Plan a repair and let it wait for another person's word; a dry run only shows the plan."""
    if (reason := body.reason or body.trigger) is None or None not in (body.job, body.job_id):
        raise UsageError("a repair needs a 'reason' (or 'trigger'), and one of 'job' and 'job_id'")
    wish = Wish(
        RepairAction(OTHER_WORDS.get(body.action, body.action)),
        reason,
        job=body.job or body.job_id,
        worker=body.worker,
        kind=body.kind,
        incident=body.incident,
        on_behalf_of=body.on_behalf_of,
    )
    made = await access.app.watchdog.repairs.ask(
        await access.project(), wish, access.principal, dry_run=body.dry_run
    )
    return answer(200 if body.dry_run else 201, repair=made)


@acts.post(
    "/{repair_id}/approve",
    **declared(Right.DECIDE, version_of="repair", name="approve", key="required", example=ONE),
)
async def approve_repair(repair_id: UUID, body: WordBody, access: Here) -> Response:
    """Approve a repair and carry it out; where its target has moved on it is `expired`, and nothing was done."""
    decided = await access.app.watchdog.repairs.approve(
        await access.project(),
        repair_id,
        access.principal,
        digest=body.plan_digest,
        reason=body.reason,
        dry_run=body.dry_run,
    )
    return answer(repair=decided)


@acts.post(
    "/{repair_id}/reject",
    **declared(Right.DECIDE, version_of="repair", name="reject", key="required", example=ONE),
)
async def reject_repair(repair_id: UUID, body: SaidBody, access: Here) -> Response:
    """Refuse a repair for good."""
    decided = await access.app.watchdog.repairs.reject(
        await access.project(), repair_id, access.principal, body.reason, dry_run=body.dry_run
    )
    return answer(repair=decided)


@acts.post(
    "/{repair_id}/withdraw",
    **declared(
        Right.SUGGEST_REPAIR, Right.DECIDE, version_of="repair", name="withdraw", key="required", example=ONE
    ),
)
async def withdraw_repair(repair_id: UUID, body: SaidBody, access: Here) -> Response:
    """Take one's own word back before it is used: an approval, or the asking itself."""
    decided = await access.app.watchdog.repairs.withdraw(
        await access.project(), repair_id, access.principal, body.reason, dry_run=body.dry_run
    )
    return answer(repair=decided)


@acts.post(
    "/{repair_id}/rollback",
    **declared(Right.DECIDE, version_of="repair", name="roll_back", key="required", example=ONE),
)
async def roll_back_repair(repair_id: UUID, body: SaidBody, access: Here) -> Response:
    """Undo a repair that succeeded; a conflict says in words why that cannot be."""
    undone = await access.app.watchdog.repairs.roll_back(
        await access.project(), repair_id, access.principal, body.reason, dry_run=body.dry_run
    )
    return answer(repair=undone)


@policy_reads.get(
    "",
    **declared(
        Right.READ,
        name="show",
        example={
            "policy": {"version": "default", "digest": "default", "four_eyes": "persons"},
            "rules": [{"rule": "lease_expired", "action": "reclaim", "mode": "auto"}],
            "breakers": [],
            "switches": [{"name": "actions", "is_on": True}],
        },
    ),
)
async def show_policy(access: Here) -> Response:
    """Show the policy in force: how far each rule may go by itself, its breakers, and both switches."""
    of_whole = access.principal.project_id is None
    return answer(**await access.app.watchdog.brakes.in_force(await access.project(), of_whole=of_whole))


@policy_acts.post("/breakers/{rule}/reset", **declared(Right.DECIDE, key="required", example={"repairs": 3}))
async def reset_breaker(
    rule: Annotated[str, Path(max_length=100)],
    body: ResetBody,
    access: Here,
) -> Response:
    """Let a rule act in a pool again, and run or drop what waited meanwhile."""
    waited = await access.app.watchdog.brakes.reset_breaker(
        await access.project(),
        rule,
        body.pool,
        access.principal,
        drop=body.waiting == "drop",
        reason=body.reason,
    )
    return answer(repairs=waited, waiting=body.waiting)
