"""What came too late and waits for a person's decision."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from watchkeeper.domain.principals import Right
from watchkeeper.interfaces.api.answers import answer
from watchkeeper.interfaces.api.auth import Here
from watchkeeper.interfaces.api.documents import JOB_ID, TIME, declared
from watchkeeper.interfaces.api.guarded import GuardedRoute

reads = APIRouter(prefix="/api", tags=["jobs"], route_class=GuardedRoute)

EXAMPLE = {
    "items": [
        {
            "job_id": JOB_ID,
            "epoch": 2,
            "command": "complete",
            "body": {"summary": "a page", "artifacts": []},
            "reason": "the lease was lost before the completion arrived",
            "created_at": TIME,
        }
    ]
}


@reads.get("/reconcile", **declared(Right.READ, example=EXAMPLE))
async def reconcile(access: Here, limit: Annotated[int, Query(ge=1, le=1000)] = 200) -> Response:
    """List completions that came too late and that nobody has decided yet, the newest first."""
    return answer(items=await access.app.late.list(await access.project(), limit))
