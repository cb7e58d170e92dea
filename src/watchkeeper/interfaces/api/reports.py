"""Reports: what the database shows of a project's way to a reliable operation, and how drills of it ended."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field, StringConstraints

from watchkeeper.domain.principals import Right
from watchkeeper.interfaces.api.answers import answer
from watchkeeper.interfaces.api.auth import Here
from watchkeeper.interfaces.api.documents import TIME, declared
from watchkeeper.interfaces.api.guarded import ActRoute, GuardedRoute
from watchkeeper.interfaces.api.schemas import Body

reads = APIRouter(prefix="/api/reports", tags=["reports"], route_class=GuardedRoute)
drills = APIRouter(prefix="/api/drills", tags=["reports"], route_class=ActRoute)

Days = Annotated[float, Query(gt=0, le=3660, description="Of how many days up to now.")]

ITEM = {
    "source": "S1",
    "stage": "D14",
    "sentence": "回填 3 種 incident 證據:fetch failed、lease near expiry、artifact gate fail。",
    "result": "unknown",
    "because": "not enough evidence: not seen yet: fetch failed",
    "due_at": TIME,
    "is_due": False,
}
SHARE = {"value": 0.9, "part": 18, "n": 20, "enough": 5, "status": "known"}
METRIC = {
    "metric": "complete_rejected",
    "threshold": "one_failure",
    "severity": "high",
    "owner": "owner",
    "status": "ok",
    "next_action": "add_missing_kind_or_escalate",
    "open": 0,
    "seen": 2,
    "n": 40,
}


@reads.get(
    "/stages", **declared(Right.READ, example={"generated_at": TIME, "started_at": TIME, "items": [ITEM]})
)
async def stages(access: Here) -> Response:
    """Judge each item of the path of 30 days: pass, fail, or unknown where there is not enough evidence."""
    return answer(**await access.app.watchdog.reports.stages(await access.project()))


@reads.get(
    "/d30",
    **declared(
        Right.READ,
        example={
            "recommendation": "not_enough_evidence",
            "reasons": ["1 real incidents, 3 are needed"],
            "provisional_until": None,
        },
    ),
)
async def d30(access: Here) -> Response:
    """Recommend continue, upgrade or change_owner from real incidents, and show how the persona changed."""
    return answer(**await access.app.watchdog.reports.d30(await access.project()))


@reads.get(
    "/maturity", **declared(Right.READ, example={"level": 2, "levels": [{"level": 1, "result": "pass"}]})
)
async def maturity(access: Here) -> Response:
    """Give the level of maturity from 1 to 5, with what each level asks for."""
    return answer(**await access.app.watchdog.reports.maturity(await access.project()))


@reads.get("/metrics", **declared(Right.READ, example={"days": 30, "metrics": [METRIC]}))
async def metrics(access: Here, days: Days = 30) -> Response:
    """Give the metrics table: threshold, severity, owner, status, next action; `pending` where nothing was seen."""
    return answer(**await access.app.watchdog.reports.metrics(await access.project(), days))


@reads.get(
    "/indicators", **declared(Right.READ, example={"days": 30, "indicators": {"gate_pass_rate": SHARE}})
)
async def indicators(access: Here, days: Days = 30) -> Response:
    """Give the seven indicators and the project advancement score, each with its n."""
    return answer(**await access.app.watchdog.reports.indicators(await access.project(), days))


@reads.get(
    "/scores",
    **declared(
        Right.READ,
        example={
            "days": 30,
            "scores": [{"subject": "worker", "name": "w1", "score": 97.5, "parts": {"gate": SHARE}}],
        },
    ),
)
async def scores(access: Here, days: Days = 30) -> Response:
    """Give the health score of each worker, role and persona, with its parts."""
    return answer(**await access.app.watchdog.reports.scores(await access.project(), days))


class DrillBody(Body):
    """How a drill ended; `evidence` counts what it showed."""

    drill: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,59}$")]
    passed: bool
    evidence: int = Field(ge=0, le=10_000)


@drills.post(
    "",
    **declared(
        Right.MANAGE_PROJECTS, key="required", status=201, example={"drill": "near_expiry", "passed": True}
    ),
)
async def drill_ended(body: DrillBody, access: Here) -> Response:
    """Write into the audit trail how a drill ended; reports of stages look for it there."""
    await access.app.watchdog.reports.drill_ended(
        body.drill, passed=body.passed, evidence=body.evidence, actor=access.principal.actor
    )
    return answer(201, drill=body.drill, passed=body.passed)
