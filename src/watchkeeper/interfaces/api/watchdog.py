"""What the watchdog sees of queues and workers, and why things stand as they do."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Response

from watchkeeper.domain.principals import Right
from watchkeeper.interfaces.api.answers import answer
from watchkeeper.interfaces.api.auth import Here
from watchkeeper.interfaces.api.documents import JOB_ID, TIME, declared
from watchkeeper.interfaces.api.fleet import WorkerName
from watchkeeper.interfaces.api.guarded import GuardedRoute
from watchkeeper.services.why import Subject

reads = APIRouter(prefix="/api", tags=["watchdog"], route_class=GuardedRoute)

SubjectName = Annotated[
    str, Path(description="A job's id or foreign id, a kind, or a worker.", max_length=500)
]

QUEUE = {
    "origin": "own",
    "kind": "report",
    "ready": 3,
    "scheduled": 0,
    "running": 2,
    "stuck": 0,
    "paused": 0,
    "capped": False,
    "oldest_ready_age_s": 12.5,
    "eligible_workers": 2,
    "waiting_reasons": {"limit_full": 3},
    "status": "waiting",
}


@reads.get(
    "/watchdog/queue-health",
    **declared(
        Right.READ,
        example={
            "generated_at": TIME,
            "watchdog": {"last_tick_at": TIME, "ok": True},
            "policy": {"ok": True, "detail": ""},
            "queues": [QUEUE],
        },
    ),
)
async def queue_health(access: Here) -> Response:
    """Say of each kind what waits, what runs, and why nothing moves where nothing does."""
    return answer(**await access.app.insights.queue_health(await access.project()))


CHECK = {"state": "ok", "at": TIME, "severity": "info"}
COMMANDS = ("doctor", "touch", "claim", "context", "progress", "artifact", "complete")
STATUS: dict[str, Any] = {
    "worker_id": "codex-1",
    "origin": "helper",
    "health": "ok",
    "current_job": None,
    "holding": [],
    "session": None,
    "stuck_reason": None,
    "next_action": "none",
    "checks": dict.fromkeys(COMMANDS, CHECK) | {"lease": {"state": "none", "at": None, "severity": "info"}},
    "no_job_count": 0,
    "last_seen_at": TIME,
}
WHY = {
    "generated_at": TIME,
    "subject": {"type": "job", "id": JOB_ID, "external_id": None, "kind": "report", "origin": "own"},
    "state": "stuck",
    "reason": "gate_failed",
    "sentence": "the evidence did not pass the gate",
    "class": "evidence",
    "cause": "state_reason:gate_failed",
    "suggested_repair": {"action": "publish_artifact", "next_action": "repair_contract"},
    "changes": "a check of the artifact that passes, then a requeue; its last check names what failed",
    "incidents": [],
    "facts": [{"fact": "state", "value": "stuck", "said": None, "at": TIME, "age_s": 12.5}],
}


@reads.get("/watchdog/workers/{worker_id:path}/status", **declared(Right.READ, example=STATUS))
async def worker_status(worker_id: WorkerName, access: Here) -> Response:
    """Say how a worker fares, on what it is stuck, and what to do next, with the newest word on each command."""
    return answer(**await access.app.watchdog.worker_status.status(await access.project(), worker_id))


@reads.get("/pls/watchdog/workers/{worker_id:path}/status", **declared(Right.READ, example=STATUS))
async def pls_worker_status(worker_id: WorkerName, access: Here) -> Response:
    """The same under the path that other programs call."""
    return await worker_status(worker_id, access)


@reads.get("/why/{subject:path}", **declared(Right.READ, example=WHY))
async def why(
    subject: SubjectName, access: Here, of: Literal["job", "kind", "worker"] | None = None
) -> Response:
    """Say why a job, a kind or a worker stands as it does, the facts behind it, and what would change it."""
    asked = None if of is None else Subject(of)
    return answer(**await access.app.watchdog.why.why(await access.project(), subject, asked))
