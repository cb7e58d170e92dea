"""Workers: who works and how well, and one with its score, its checks and what it holds."""

from __future__ import annotations

from watchkeeper.domain.errors import NotFound
from watchkeeper.interfaces.console.ground import Family, Ground, Page, Row, View
from watchkeeper.interfaces.console.visit import Visit
from watchkeeper.services.incident_reading import IncidentFilter

WORKERS_A_PAGE = 40
INCIDENTS_SHOWN = 20


async def workers(ground: Ground, visit: Visit) -> View:
    scope = await ground.scope(visit)
    project = scope.project_id
    facts: Row = {
        "scope": scope,
        "project_id": project,
        "workers": [],
        "next": None,
        "after": visit.asked("after"),
        "gone": visit.asked("gone") is not None,
        "scores": {},
        "groups": [],
        "scored_at": None,
    }
    if project is not None:
        facts["workers"], facts["next"] = await ground.insights.workers_page(
            project, after=facts["after"], gone=facts["gone"], limit=WORKERS_A_PAGE
        )
        facts |= await _scores(ground, project)
    return View("workers/list.html", facts)


async def worker(ground: Ground, visit: Visit) -> View:
    scope = await ground.scope(visit)
    name = visit.request.path_params["worker"]
    names = [scope.chosen] if scope.chosen else [row["project_id"] for row in scope.visible]
    for project in names:
        try:
            status = await ground.app.watchdog.worker_status.status(project, name)
            break
        except NotFound:
            continue
    else:
        raise NotFound("there is no such worker here")
    row = await ground.insights.worker(project, name)
    only = IncidentFilter(unresolved=True, worker_id=name)
    incidents, _ = await ground.app.watchdog.incident_reading.page(project, only, limit=INCIDENTS_SHOWN)
    facts = {
        "scope": scope,
        "project_id": project,
        "worker": row,
        "status": status,
        "incidents": incidents,
        **await _scores(ground, project),
    }
    return View("workers/worker.html", facts)


async def _scores(ground: Ground, project: str) -> Row:
    """Give the kept scores of a project by worker, and those of its roles and personas."""
    report = await ground.app.overview.scores.get(project)
    if report is None:
        return {"scores": {}, "groups": [], "scored_at": None}
    found = report["scores"]
    return {
        "scores": {one["name"]: one for one in found if one["subject"] == "worker"},
        "groups": [one for one in found if one["subject"] != "worker"],
        "scored_at": report["generated_at"],
    }


FAMILY = Family("workers", pages=(Page("/workers", workers), Page("/workers/{worker:path}", worker)))
