"""The audit trail of a project: its rows by filters, one row whole, and how the chain stands."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from watchkeeper.domain.errors import NotFound
from watchkeeper.interfaces.console.ground import PRINTED, Family, Ground, Page, Row, View
from watchkeeper.interfaces.console.visit import Visit
from watchkeeper.interfaces.console.words import EVENTS
from watchkeeper.services.audit_reading import seen_by

ROWS_A_PAGE = 30
FILTERS = ("event", "actor", "job")


async def audit(ground: Ground, visit: Visit) -> View:
    scope = await ground.scope(visit)
    filters = {name: visit.asked(name) for name in FILTERS}
    before = visit.asked("before")
    facts: Row = {"scope": scope, "project_id": scope.project_id, "filters": filters, "before": before}
    facts |= {"rows": [], "next": None, "events": sorted(EVENTS), "chain": await _chain(ground, visit)}
    if scope.project_id is not None:
        rows, following = await ground.app.audit_reading.page(
            scope.project_id, **filters, cursor=before, limit=ROWS_A_PAGE
        )
        facts |= {"rows": [seen_by(visit.known, row, ground.redactor) for row in rows], "next": following}
    layout = PRINTED if visit.asked("print") else None
    return View("audit/list.html", facts, layout=layout)


async def row(ground: Ground, visit: Visit) -> View:
    scope = await ground.scope(visit)
    name = visit.request.path_params["row"]
    for project in [scope.chosen] if scope.chosen else [one["project_id"] for one in scope.visible]:
        try:
            found = await ground.app.audit_reading.row(project, name)
        except NotFound:
            continue
        shown = seen_by(visit.known, found, ground.redactor)
        return View("audit/row.html", {"scope": scope, "project_id": project, "one": shown})
    raise NotFound("there is no such audit row here")


async def _chain(ground: Ground, visit: Visit) -> Row:
    """Give how the chain stands; its numbers, which all projects share, are for who sees the whole installation."""
    reporting = ground.app.watchdog.reporting
    found = await reporting.kept.get("chain", ground.app.audit_reading.state)
    last, chain = found["verification"], found["chain"]
    return {
        "verified_at": None if last is None else _time(last.get("at")),
        "is_well": None if last is None else bool(last.get("ok")),
        "found": None if last is None else last.get("found"),
        "lag_seconds": chain["lag_seconds"],
        "is_sealed": chain["number"] is not None,
        "sealed_at": chain["sealed_at"],
        "is_inserted": chain["inserted"],
        "unsealed": chain["unsealed_rows"] if visit.known.project_id is None else None,
        "number": chain["number"] if visit.known.project_id is None else None,
    }


def _time(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return None


FAMILY = Family("audit", pages=(Page("/audit", audit), Page("/audit/{row}", row)))
