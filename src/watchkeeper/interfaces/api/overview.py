"""What the first page tells: what needs a person, and whether work advances."""

from __future__ import annotations

from fastapi import APIRouter, Response

from watchkeeper.domain.principals import Right
from watchkeeper.interfaces.api.answers import answer
from watchkeeper.interfaces.api.auth import Here
from watchkeeper.interfaces.api.documents import JOB_ID, TIME, declared
from watchkeeper.interfaces.api.guarded import GuardedRoute
from watchkeeper.interfaces.api.pages import Limit

reads = APIRouter(prefix="/api", tags=["watchdog"], route_class=GuardedRoute)

NEED = {
    "project_id": "reports",
    "concern": "repair",
    "id": JOB_ID,
    "about": "release",
    "reason": "lease_expired",
    "blocks": 1,
    "since": TIME,
    "expires_at": TIME,
    "fold": None,
}
ENDED = {"verified": 12, "unverified": 0, "failed": 1}
HOUR = {"well": 3, "failed": 0}
PULSE = {
    "generated_at": TIME,
    "counted_to": TIME,
    "pace": "advancing",
    "hour": ENDED,
    "day": ENDED,
    "signals": {
        "oldest_wait_s": 12.5,
        "wait_p95_s": 4.2,
        "waits": 40,
        "waiting": 3,
        "running": 2,
        "slots": 4,
        "failed_share": 0.1,
    },
    "hours": {"report": [HOUR]},
}


@reads.get(
    "/needs",
    **declared(
        Right.READ,
        example={
            "needs": [NEED],
            "folded": [],
            "count": 1,
            "more": False,
            "watchdog": {"last_tick_at": TIME, "ok": True},
        },
    ),
)
async def needs(access: Here, limit: Limit = 100) -> Response:
    """List what waits for a person: approvals first, then what expires soonest, blocks most jobs, is oldest.

    `folded` is in somebody's hands already, or was called right. The count is that of the list; with `more` there are
    others.
    """
    found = await access.app.overview.needs.of([await access.project()], limit)
    watch = await access.app.insights.watch()
    return answer(**found.to_json(), watchdog={"last_tick_at": watch["last_tick_at"], "ok": watch["ok"]})


@reads.get("/reports/pulse", **declared(Right.READ, example=PULSE, maybe=("counted_to",)))
async def pulse(access: Here) -> Response:
    """Say whether work advances: what ended in the last hour against the last day, and the golden signals.

    `hours` has of each kind what ended well, and what failed, in each of the last 24 hours, the newest last.
    """
    project = await access.project()
    found = await access.app.overview.pulse.pulse(project)
    return answer(**found, hours=await access.app.overview.pulse.hours(project))
