"""What came too late, and a person's decision on it."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response

from watchkeeper.domain.jobs import LateVerdict
from watchkeeper.domain.principals import Right
from watchkeeper.interfaces.api.answers import answer
from watchkeeper.interfaces.api.auth import Here
from watchkeeper.interfaces.api.documents import JOB_ID, TIME, declared
from watchkeeper.interfaces.api.guarded import ActRoute, GuardedRoute
from watchkeeper.interfaces.api.schemas import VerdictBody

reads = APIRouter(prefix="/api", tags=["reconcile"], route_class=GuardedRoute)

acts = APIRouter(prefix="/api", tags=["reconcile"], route_class=ActRoute)

ITEM_ID = "019aa5c0-8a00-7000-8000-000000000007"
EXAMPLE = {
    "items": [
        {
            "id": ITEM_ID,
            "job_id": JOB_ID,
            "epoch": 2,
            "command": "complete",
            "body": {"summary": "a page", "artifacts": []},
            "reason": "the lease was lost before the completion arrived",
            "created_at": TIME,
        }
    ]
}


@reads.get("/reconcile", **declared(Right.READ, name="list", example=EXAMPLE))
async def reconcile(access: Here, limit: Annotated[int, Query(ge=1, le=1000)] = 200) -> Response:
    """List completions that came too late and that nobody has decided yet, the newest first."""
    return answer(items=await access.app.late.list(await access.project(), limit))


DECIDED: dict[str, Any] = {
    "item": {"id": ITEM_ID, "job_id": JOB_ID, "decision": "accept", "decided_by": "principal:p/lin"}
}


@acts.post("/reconcile/{item_id}/decide", **declared(Right.DECIDE, key="required", example=DECIDED))
async def decide(item_id: UUID, body: VerdictBody, access: Here) -> Response:
    """Say whether the results of a late completion are used. It is kept as that; the job itself stays as it is."""
    decided = await access.app.late.decide(
        await access.project(),
        item_id,
        LateVerdict(body.verdict),
        actor=access.principal.actor,
        reason=body.reason,
    )
    return answer(item=decided)
