"""The jobs of a project."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.jobs import JobState
from watchkeeper.interfaces.console.ground import Family, Ground, Page, Row, Scope, View
from watchkeeper.interfaces.console.visit import Visit
from watchkeeper.services.insights import Insights

JOBS_A_PAGE = 30


async def jobs(ground: Ground, visit: Visit) -> View:
    filters = {
        "state": visit.asked("state"),
        "kind": visit.asked("kind"),
        "before": _cursor(visit.asked("before")),
    }
    scope = await ground.scope(visit)
    kinds, _ = await ground.app.kinds.list(scope.project_id or "")
    view = await jobs_page(ground.insights, scope, filters) | {"kinds": [row["kind"] for row in kinds]}
    return View("jobs/list.html", view | {"scope": scope, "filters": filters})


async def jobs_page(insights: Insights, scope: Scope, filters: Mapping[str, Any]) -> Row:
    """Gather one page of a project's jobs, newest first; raise UsageError for a filter that there is not."""
    if not scope.visible:
        return {"jobs": [], "next": None, "states": list(JobState), "project_id": None}
    project_id = scope.project_id or ""
    last = filters["before"]
    rows, following = await insights.jobs(
        project_id,
        state=filters["state"],
        kind=filters["kind"],
        before=None if last is None else await insights.job_number(project_id, last),
        limit=JOBS_A_PAGE,
    )
    return {
        "jobs": rows,
        "next": None if following is None else rows[-1]["id"],
        "states": list(JobState),
        "project_id": project_id,
    }


def _cursor(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise UsageError("the cursor is not a job's id") from None


FAMILY = Family("jobs", pages=(Page("/jobs", jobs),))
