"""Repairs: what waits for a person's word, and one with its plan, what it touches, and how it is undone."""

from __future__ import annotations

from typing import Any

from watchkeeper.domain.errors import NotFound, UsageError
from watchkeeper.domain.principals import Principal
from watchkeeper.domain.repairs import Authority, RepairState, may_decide
from watchkeeper.interfaces.console.acts import repairs as acts
from watchkeeper.interfaces.console.acts.act import Act
from watchkeeper.interfaces.console.ground import Family, Ground, Page, Row, View
from watchkeeper.interfaces.console.pages.incidents import cursor, item, of_any
from watchkeeper.interfaces.console.visit import Visit

REPAIRS_A_PAGE = 30
OUTPUT_CHARS = 4000
NO_PLAN: Row = {
    "target": None,
    "steps": [],
    "blast_radius": None,
    "undo": None,
    "no_undo_because": None,
    "preconditions": None,
}
"""What a reaping has: it was done before anybody planned it."""


async def repairs(ground: Ground, visit: Visit) -> View:
    scope = await ground.scope(visit)
    state, action = visit.asked("state"), visit.asked("action")
    if state is not None and state not in set(RepairState):
        raise UsageError(f"unknown state {state[:40]!r}")
    facts: Row = {
        "scope": scope,
        "project_id": scope.project_id,
        "filters": {"state": state, "action": action},
        "before": visit.asked("before"),
        "states": list(RepairState),
        "repairs": [],
        "waiting": [],
        "next": None,
    }
    if scope.project_id is not None:
        desk = ground.app.watchdog.repairs
        facts["repairs"], facts["next"] = await desk.list(
            scope.project_id,
            state=state,
            action=action,
            before=cursor(visit.asked("before")),
            limit=REPAIRS_A_PAGE,
        )
        needs = await ground.app.overview.needs.of([scope.project_id])
        facts["waiting"] = [row for row in needs.now if row["concern"] == "repair"][:REPAIRS_A_PAGE]
    return View("repairs/list.html", facts)


async def repair(ground: Ground, visit: Visit) -> View:
    scope = await ground.scope(visit)
    asked = item(visit.request.path_params["repair"])
    project, found = await of_any(scope, lambda each: ground.app.watchdog.repairs.show(each, asked))
    redacted = ground.redactor.redact_data(found)
    facts = {
        "scope": scope,
        "project_id": project,
        "repair": redacted,
        "plan": NO_PLAN | (redacted["plan"] or {}),
        "possible": possible(found, visit.known),
        "told": await _told(ground, project, found),
        "output_chars": OUTPUT_CHARS,
        "is_mine": _may_decide(found, visit.known),
    }
    return View("repairs/repair.html", facts)


async def _told(ground: Ground, project: str, repair: Row) -> dict[str, Any]:
    """Say what comes if nobody acts: the next message about its incident, where it has one."""
    nothing: dict[str, Any] = {"next_at": None, "not_told_because": None}
    if repair["incident_id"] is None or repair["state"] != RepairState.PROPOSED:
        return nothing
    try:
        return await ground.app.watchdog.alerting.alerts.of_incident(project, repair["incident_id"])
    except NotFound:
        return nothing


def _may_decide(repair: Row, by: Principal) -> bool:
    return may_decide(by.role, Authority(repair["authority"]))


def possible(repair: Row, by: Principal) -> list[Act]:
    """Give what this visitor can say to a repair as it stands."""
    plan = repair["plan"] or {}
    may = _may_decide(repair, by)
    said = [word for word in repair["approvals"] if word["withdrawn_at"] is None and _is_of(word, by)]
    match RepairState(repair["state"]):
        case RepairState.PROPOSED | RepairState.APPROVED as state:
            found = [acts.REJECT] if may else []
            if state is RepairState.PROPOSED and may and plan.get("authority") is not None:
                found.insert(0, acts.APPROVE)
            if said or repair["actor"] == by.actor:
                found.append(acts.WITHDRAW)
            return found
        case RepairState.SUCCEEDED if may and plan.get("undo") is not None:
            return [acts.UNDO]
    return []


def _is_of(word: Row, by: Principal) -> bool:
    return bool(word["actor"] == by.actor and word["decision"] == "approved")


FAMILY = Family(
    "repairs", pages=(Page("/repairs", repairs), Page("/repairs/{repair}", repair)), acts=acts.ACTS
)
