"""The jobs of a project, and one job with its story."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from watchkeeper.domain.errors import JobNotFound, UsageError
from watchkeeper.domain.jobs import JobState
from watchkeeper.domain.redaction import Redactor
from watchkeeper.interfaces.console.acts.table import possible
from watchkeeper.interfaces.console.ground import Family, Ground, Page, Row, Scope, View
from watchkeeper.interfaces.console.visit import Visit
from watchkeeper.interfaces.console.words import WAITING_REASONS
from watchkeeper.services.insights import Insights

JOBS_A_PAGE = 30
TIMELINE_SHOWN = 30
PAYLOAD_CHARS = 2000

OF_OTHER_JOBS = frozenset({"not_due", "lease_dead", "quarantined"})
"""Reasons that stand for single jobs of a kind, and so say nothing of another one that is ready."""


async def jobs(ground: Ground, visit: Visit) -> View:
    filters = {
        "state": visit.asked("state"),
        "kind": visit.asked("kind"),
        "before": _cursor(visit.asked("before")),
    }
    scope = await ground.scope(visit)
    view = await jobs_page(ground.insights, scope, filters)
    return View("jobs/list.html", view | {"scope": scope, "filters": filters})


async def job(ground: Ground, visit: Visit) -> View:
    scope = await ground.scope(visit)
    view = await job_page(
        ground.insights,
        ground.redactor,
        scope,
        visit.request.path_params["job"],
        whole_timeline="all" in visit.request.query_params,
    )
    return View("jobs/job.html", view | {"scope": scope})


async def jobs_page(insights: Insights, scope: Scope, filters: Mapping[str, Any]) -> Row:
    """Gather one page of a project's jobs, newest first; raise UsageError for a filter that there is not."""
    if not scope.visible:
        return {"jobs": [], "next": None, "kinds": [], "states": list(JobState), "project_id": None}
    project_id = scope.project_id or ""
    last = filters["before"]
    rows, following = await insights.jobs(
        project_id,
        state=filters["state"],
        kind=filters["kind"],
        before=None if last is None else await insights.job_number(project_id, last),
        limit=JOBS_A_PAGE,
    )
    health = await insights.queue_health(project_id)
    return {
        "jobs": rows,
        "next": None if following is None else rows[-1]["id"],
        "kinds": [queue["kind"] for queue in health["queues"]],
        "states": list(JobState),
        "project_id": project_id,
    }


async def job_page(
    insights: Insights, redactor: Redactor, scope: Scope, job: str, *, whole_timeline: bool
) -> Row:
    """Gather one job with its story; raise JobNotFound where no project that the visitor sees has it."""
    project_id, row = await _find(insights, scope, job)
    timeline = await insights.timeline(project_id, str(row["id"]))
    checks = [entry for entry in timeline if entry["what"] == "check"]
    waits: list[str] = []
    if row["state"] == "pending":
        health = await insights.queue_health(project_id)
        waits = [
            why
            for queue in health["queues"]
            if queue["kind"] == row["kind"]
            for why in queue["waiting_reasons"]
        ]
    earlier = 0 if whole_timeline else max(0, len(timeline) - TIMELINE_SHOWN)
    return {
        "job": row,
        "possible": possible(row),
        "project_id": project_id,
        "payload": redactor.redact_data(row["payload"]),
        "payload_chars": PAYLOAD_CHARS,
        "waits": [WAITING_REASONS.get(why, why) for why in waits if why not in OF_OTHER_JOBS],
        "said": next((entry for entry in reversed(timeline) if entry["new_state"] == row["state"]), None),
        "last_check": checks[-1] if checks else None,
        "timeline": timeline[earlier:],
        "earlier": earlier,
    }


async def _find(insights: Insights, scope: Scope, job: str) -> tuple[str, Row]:
    for project in [scope.chosen] if scope.chosen else [row["project_id"] for row in scope.visible]:
        try:
            return project, await insights.job(project, job)
        except JobNotFound:
            continue
    raise JobNotFound


def _cursor(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise UsageError("the cursor is not a job's id") from None


FAMILY = Family("jobs", pages=(Page("/jobs", jobs), Page("/jobs/{job}", job)))
