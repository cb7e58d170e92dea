"""Incidents: which are open, and one with its cause, its story, and when people hear of it next."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from watchkeeper.domain.errors import NotFound, UsageError
from watchkeeper.domain.incidents import IncidentState
from watchkeeper.domain.rules.catalogue import RULES
from watchkeeper.domain.rules.names import Closer, RuleName, Severity
from watchkeeper.interfaces.console.acts import incidents as acts
from watchkeeper.interfaces.console.acts.act import Act
from watchkeeper.interfaces.console.ground import Family, Ground, Page, Row, Scope, View
from watchkeeper.interfaces.console.pages.alerts import words as alert_words
from watchkeeper.interfaces.console.visit import Visit
from watchkeeper.services.incident_reading import IncidentFilter
from watchkeeper.services.operations import as_uuid

INCIDENTS_A_PAGE = 30
MOST_LOOKED_THROUGH = 50
EVIDENCE_CHARS = 4000


async def incidents(ground: Ground, visit: Visit) -> View:
    scope = await ground.scope(visit)
    filters = {name: visit.asked(name) for name in ("state", "rule", "severity", "worker", "kind", "job")}
    facts: Row = {
        "scope": scope,
        "filters": filters,
        "incidents": [],
        "next": None,
        "before": visit.asked("before"),
        "project_id": scope.project_id,
        "states": ["open_all", *IncidentState],
        "rules": sorted(RuleName),
        "severities": list(Severity),
    }
    if scope.project_id is not None:
        page = ground.app.watchdog.incident_reading.page
        facts["incidents"], facts["next"] = await page(
            scope.project_id,
            _filter(filters),
            before=cursor(visit.asked("before")),
            limit=INCIDENTS_A_PAGE,
        )
    return View("incidents/list.html", facts)


async def incident(ground: Ground, visit: Visit) -> View:
    scope = await ground.scope(visit)
    asked = item(visit.request.path_params["incident"])
    reading, alerts = ground.app.watchdog.incident_reading, ground.app.watchdog.alerting.alerts
    project, found = await of_any(scope, lambda each: reading.show(each, asked))
    redact = ground.redactor.redact_data
    facts = {
        "scope": scope,
        "project_id": project,
        "incident": found,
        "evidence": {name: redact(found[name]) for name in ("evidence", "first_evidence", "pass_evidence")},
        "evidence_chars": EVIDENCE_CHARS,
        "story": redact(await reading.story(project, asked)),
        "told": await alerts.of_incident(project, asked),
        "possible": possible(found),
        "said": alert_words,
    }
    return View("incidents/incident.html", facts)


def possible(incident: Row) -> list[Act]:
    """Give what a person can do about an incident as it stands; one that is over is left alone."""
    if incident["state"] == IncidentState.RESOLVED:
        return []
    quiet = acts.UNQUIET if incident["quiet_until"] is not None else acts.QUIET
    rule = RULES.get(RuleName(incident["rule"])) if incident["rule"] in set(RuleName) else None
    by_person = rule is not None and rule.closer is not Closer.EVIDENCE
    return [acts.ACKNOWLEDGE, quiet, *([acts.RESOLVE] if by_person else [])]


def _filter(filters: dict[str, str | None]) -> IncidentFilter:
    """Read the filters of the list; without one it is of what is not over."""
    state = filters["state"] or "open_all"
    try:
        return IncidentFilter(
            IncidentState(state) if state not in ("open_all", "all") else None,
            state == "open_all",
            RuleName(filters["rule"]) if filters["rule"] else None,
            Severity(filters["severity"]) if filters["severity"] else None,
            filters["job"],
            filters["worker"],
            filters["kind"],
        )
    except ValueError as error:
        raise UsageError(f"unknown filter: {error}") from None


def cursor(text: str | None) -> UUID | None:
    """Read where the page before ended; raise UsageError for what is no id."""
    if text is None:
        return None
    if (found := as_uuid(text)) is None:
        raise UsageError("the cursor is no id")
    return found


def item(text: str) -> UUID:
    """Read the id of one thing; what is none names nothing."""
    if (found := as_uuid(text)) is None:
        raise NotFound("there is nothing of this id here")
    return found


async def of_any(scope: Scope, read: Any) -> tuple[str, Row]:
    """Read one thing of the chosen project, else of the first that has it; raise NotFound."""
    names = [scope.chosen] if scope.chosen else [row["project_id"] for row in scope.visible]
    for project in names[:MOST_LOOKED_THROUGH]:
        try:
            return project, await read(project)
        except NotFound:
            continue
    raise NotFound("there is nothing of this id here")


FAMILY = Family(
    "incidents",
    pages=(Page("/incidents", incidents), Page("/incidents/{incident}", incident)),
    acts=acts.ACTS,
)
