"""The first page: what needs people, what moves, and what happened last."""

from __future__ import annotations

from watchkeeper.interfaces.console.ground import Family, Ground, Page, Row, Scope, View
from watchkeeper.interfaces.console.visit import Visit
from watchkeeper.services.insights import Insights

NEEDS_SHOWN = 12
KINDS_SHOWN = 12
LEASES_SHOWN = 10
WORKERS_SHOWN = 10
AUDIT_SHOWN = 10
SHOWN = {
    "needs": NEEDS_SHOWN,
    "queues": KINDS_SHOWN,
    "leases": LEASES_SHOWN,
    "workers": WORKERS_SHOWN,
    "audit": AUDIT_SHOWN,
}


async def overview(ground: Ground, visit: Visit) -> View:
    scope = await ground.scope(visit)
    watch = await ground.insights.watch()
    view = await gathered(ground.insights, scope)
    view |= {"scope": scope, "watch": watch, "still": await ground.insights.standstill()}
    return View("overview/page.html", view, watch["now"])


async def gathered(insights: Insights, scope: Scope) -> Row:
    """Gather the first page: what needs people, counters, why things wait, leases, workers, events."""
    view: Row = {name: [] for name in ("needs", "queues", "leases", "workers", "audit")}
    outcomes = {}
    for row in scope.shown:
        project_id = row["project_id"]
        outcomes[project_id] = await insights.outcomes(project_id)
        health = await insights.queue_health(project_id)
        found = {
            "needs": await insights.needing_people(project_id, NEEDS_SHOWN + 1),
            "queues": health["queues"],
            "leases": await insights.leases(project_id, LEASES_SHOWN),
            "workers": await insights.workers(project_id, WORKERS_SHOWN),
            "audit": await insights.audit(project_id, AUDIT_SHOWN),
        }
        for name, rows in found.items():
            view[name] += [{**each, "project_id": project_id} for each in rows]
    view["queues"].sort(key=lambda queue: (not (queue["stuck"] or queue["waiting_reasons"]), -queue["ready"]))
    view["leases"].sort(key=lambda lease: lease["lease_expires_at"])
    view["audit"].sort(key=lambda line: line["at"], reverse=True)
    view["more_needs"] = len(view["needs"]) > NEEDS_SHOWN
    view["more_queues"] = len(view["queues"]) > KINDS_SHOWN
    for name, limit in SHOWN.items():
        del view[name][limit:]
    return view | {"outcomes": outcomes}


FAMILY = Family("overview", pages=(Page("/", overview),))
