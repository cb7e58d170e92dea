"""Reports: what the database shows of a project's way to a reliable operation, and how drills of it ended."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import Field, StringConstraints

from watchkeeper.domain.principals import Right
from watchkeeper.interfaces.api.answers import answer, csv_file
from watchkeeper.interfaces.api.auth import Here
from watchkeeper.interfaces.api.documents import TIME, declared
from watchkeeper.interfaces.api.guarded import ActRoute, GuardedRoute
from watchkeeper.interfaces.api.pages import Format
from watchkeeper.interfaces.api.schemas import Body, Reason
from watchkeeper.services.report_tables import report_as_csv
from watchkeeper.services.weekly import MOST_WEEKS

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
POOL = {
    "pool": "default",
    "state": "ok",
    "target": 0.9,
    "period_days": 30.0,
    "n": 200,
    "failed": 8,
    "allowed": 20.0,
    "budget_left": 0.6,
    "windows": [{"urgency": "page", "long_s": 3600, "long_burn": 0.4, "threshold": 9.0, "fires": False}],
}
FIGURE = {"part": "work", "figure": "verified", "value": 40, "before": 31}
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
async def stages(access: Here, as_: Format = "json") -> Response:
    """Judge each item of the path of 30 days: pass, fail, or unknown where there is not enough evidence."""
    return _given("stages", await access.app.watchdog.reports.stages(await access.project()), as_)


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
async def d30(access: Here, as_: Format = "json") -> Response:
    """Recommend continue, upgrade or change_owner from real incidents, and show how the persona changed."""
    return _given("d30", await access.app.watchdog.reports.d30(await access.project()), as_)


@reads.get(
    "/maturity", **declared(Right.READ, example={"level": 2, "levels": [{"level": 1, "result": "pass"}]})
)
async def maturity(access: Here, as_: Format = "json") -> Response:
    """Give the level of maturity from 1 to 5, with what each level asks for."""
    return _given("maturity", await access.app.watchdog.reports.maturity(await access.project()), as_)


@reads.get("/metrics", **declared(Right.READ, example={"days": 30, "metrics": [METRIC]}))
async def metrics(access: Here, days: Days = 30, as_: Format = "json") -> Response:
    """Give the metrics table: threshold, severity, owner, status, next action; `pending` where nothing was seen."""
    return _given("metrics", await access.app.watchdog.reports.metrics(await access.project(), days), as_)


@reads.get(
    "/indicators", **declared(Right.READ, example={"days": 30, "indicators": {"gate_pass_rate": SHARE}})
)
async def indicators(access: Here, days: Days = 30, as_: Format = "json") -> Response:
    """Give the seven indicators and the project advancement score, each with its n."""
    return _given(
        "indicators", await access.app.watchdog.reports.indicators(await access.project(), days), as_
    )


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
async def scores(access: Here, days: Days = 30, as_: Format = "json") -> Response:
    """Give the health score of each worker, role and persona, with its parts."""
    return _given("scores", await access.app.watchdog.reports.scores(await access.project(), days), as_)


@reads.get(
    "/slos",
    **declared(
        Right.READ, example={"counted_to": TIME, "is_stale": False, "pools": [POOL]}, maybe=("counted_to",)
    ),
)
async def slos(access: Here, as_: Format = "json") -> Response:
    """Give each pool against its objective: state, what may still fail, and its burn by pairs of windows."""
    return _given("slos", await access.app.watchdog.reporting.slos.report(await access.project()), as_)


@reads.get(
    "/weekly", **declared(Right.READ, example={"since": TIME, "until": TIME, "figures": [FIGURE], "slos": []})
)
async def weekly(
    access: Here,
    weeks_ago: Annotated[int, Query(ge=0, le=MOST_WEEKS, description="How many weeks back it ends.")] = 0,
    as_: Format = "json",
) -> Response:
    """Sum up seven days: work, trouble and people, each figure beside the week before, and what is left open."""
    found = await access.app.watchdog.reporting.weekly.report(await access.project(), weeks_ago)
    return _given("weekly", found, as_)


def _given(name: str, report: dict[str, Any], as_: str) -> Response:
    if as_ == "json":
        return answer(**report)
    return csv_file(name, report_as_csv(name, report))


class DrillBody(Body):
    """How a drill ended; `evidence` counts what it showed."""

    drill: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,59}$")]
    passed: bool
    evidence: int = Field(ge=0, le=10_000)
    reason: Reason | None = None


@drills.post(
    "",
    **declared(
        Right.MANAGE_PROJECTS, key="required", status=201, example={"drill": "near_expiry", "passed": True}
    ),
)
async def drill_ended(body: DrillBody, access: Here) -> Response:
    """Write into the audit trail how a drill ended; reports of stages look for it there."""
    await access.app.watchdog.reports.drill_ended(
        body.drill,
        passed=body.passed,
        evidence=body.evidence,
        actor=access.principal.actor,
        reason=body.reason,
    )
    return answer(201, drill=body.drill, passed=body.passed)
