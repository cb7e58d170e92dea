"""The first page: is work advancing, what is stuck and why, what needs a person."""

from __future__ import annotations

from typing import Any

from watchkeeper.domain.principals import SYSTEM_PROJECT
from watchkeeper.interfaces.console.ground import Family, Ground, Page, Row, Scope, View
from watchkeeper.interfaces.console.visit import Visit
from watchkeeper.services.incident_reading import IncidentFilter
from watchkeeper.services.queue_health import why_it_waits

NEEDS_SHOWN = 12
FOLDED_SHOWN = 10
QUEUES_SHOWN = 8
INCIDENTS_SHOWN = 6
ACTS_SHOWN = 8


async def overview(ground: Ground, visit: Visit) -> View:
    scope = await ground.scope(visit)
    is_whole = visit.known.project_id is None and scope.chosen is None
    watch = await ground.insights.watch()
    everything = visit.asked("all") is not None
    needs = await ground.app.overview.needs.of(_needing(scope, is_whole=is_whole))
    view = await gathered(ground, scope)
    view |= {
        "scope": scope,
        "watch": watch,
        "still": await ground.insights.standstill(),
        "needs": needs.now,
        "more_needs": needs.more,
        "needs_shown": len(needs.now) if everything else NEEDS_SHOWN,
        "folded": needs.folded[:FOLDED_SHOWN],
        "folded_count": len(needs.folded),
    }
    return View("overview/page.html", view, watch["now"])


def _needing(scope: Scope, *, is_whole: bool) -> list[str]:
    """Give the projects whose needs are shown; who has the whole is told of what is of none, too."""
    shown = [row["project_id"] for row in scope.shown]
    return list(dict.fromkeys([*shown, SYSTEM_PROJECT])) if is_whole else shown


async def gathered(ground: Ground, scope: Scope) -> Row:
    """Gather what the shown projects do: pace, signals, indicators, waiting queues, incidents, acts, counters."""
    projects, queues, incidents, acts = [], [], [], []
    for row in scope.shown:
        project_id = row["project_id"]
        health = await ground.insights.queue_health(project_id)
        opened, _ = await ground.app.watchdog.incident_reading.page(
            project_id, IncidentFilter(unresolved=True), limit=INCIDENTS_SHOWN
        )
        projects.append(
            {
                **row,
                "pulse": await ground.app.overview.pulse.pulse(project_id, health),
                "outcomes": await ground.insights.outcomes(project_id),
                "report": await ground.app.overview.indicators.get(project_id),
            }
        )
        queues += _named(project_id, [queue for queue in health["queues"] if why_it_waits(queue)])
        incidents += _named(project_id, opened)
        acts += _named(project_id, await ground.app.overview.pulse.acts(project_id, ACTS_SHOWN))
    queues.sort(key=lambda queue: (not queue["stuck"], -queue["ready"]))
    incidents.sort(key=lambda incident: incident["opened_at"], reverse=True)
    acts.sort(key=lambda act: act["at"], reverse=True)
    return {
        "projects": projects,
        "queues": queues[:QUEUES_SHOWN],
        "more_queues": len(queues) > QUEUES_SHOWN,
        "incidents": incidents[:INCIDENTS_SHOWN],
        "acts_of_people": acts[:ACTS_SHOWN],
    }


def _named(project_id: str, rows: list[Any]) -> list[Row]:
    return [{**row, "project_id": project_id} for row in rows]


FAMILY = Family("overview", pages=(Page("/", overview),))
