"""What the watchdog sees of the queues."""

from __future__ import annotations

from fastapi import APIRouter, Response

from watchkeeper.domain.principals import Right
from watchkeeper.interfaces.api.answers import answer
from watchkeeper.interfaces.api.auth import Here
from watchkeeper.interfaces.api.documents import TIME, declared
from watchkeeper.interfaces.api.guarded import GuardedRoute

reads = APIRouter(prefix="/api/watchdog", tags=["watchdog"], route_class=GuardedRoute)

QUEUE = {
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
    "/queue-health",
    **declared(
        Right.READ,
        example={"generated_at": TIME, "watchdog": {"last_tick_at": TIME, "ok": True}, "queues": [QUEUE]},
    ),
)
async def queue_health(access: Here) -> Response:
    """Say of each kind what waits, what runs, and why nothing moves where nothing does."""
    return answer(**await access.app.insights.queue_health(await access.project()))
