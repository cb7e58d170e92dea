"""What the page of one job shows, gathered from the reads that all interfaces share."""

from __future__ import annotations

from typing import Any

from watchkeeper.domain.errors import JobNotFound
from watchkeeper.domain.jobs import JobState
from watchkeeper.interfaces.console.acts.table import possible
from watchkeeper.interfaces.console.ground import Ground, Row, Scope, View
from watchkeeper.interfaces.console.pages.job.changes import changes_of
from watchkeeper.interfaces.console.pages.job.picture import picture_of
from watchkeeper.interfaces.console.visit import Visit
from watchkeeper.interfaces.console.words import WAITING_REASONS
from watchkeeper.services.insights import Insights
from watchkeeper.services.session_reading import SessionFilter
from watchkeeper.services.why import Subject

STORY_SHOWN = 30
ATTEMPTS_SHOWN = 30
SESSIONS_SHOWN = 10
PAYLOAD_CHARS = 2000

OF_OTHER_JOBS = frozenset({"not_due", "lease_dead", "quarantined"})
"""Reasons that stand for single jobs of a kind, and so say nothing of another one that is ready."""


async def job(ground: Ground, visit: Visit) -> View:
    scope = await ground.scope(visit)
    project_id, row = await _find(ground.insights, scope, visit.request.path_params["job"])
    name = str(row["id"])
    drawing = await ground.app.drawings.of_job(project_id, name)
    why = await ground.app.watchdog.why.why(project_id, name, Subject.JOB)
    sessions, _ = await ground.app.sessions.reading.page(
        project_id, SessionFilter(job=name), limit=SESSIONS_SHOWN
    )
    whole = "all" in visit.request.query_params
    facts = {
        "scope": scope,
        "job": row,
        "possible": possible(row),
        "project_id": project_id,
        "payload": ground.redactor.redact_data(row["payload"]),
        "payload_chars": PAYLOAD_CHARS,
        "waits": await _waits(ground.insights, project_id, row),
        "changes": changes_of(why),
        "open_incidents": why["incidents"],
        "sessions": sessions,
        "picture": picture_of(drawing, visit.zone),
        "attempts_shown": ATTEMPTS_SHOWN,
        **_story(await ground.insights.timeline(project_id, name), row, whole=whole),
    }
    return View("job/page.html", facts)


def _story(timeline: list[Row], row: Row, *, whole: bool) -> dict[str, Any]:
    checks = [entry for entry in timeline if entry["what"] == "check"]
    earlier = 0 if whole else max(0, len(timeline) - STORY_SHOWN)
    return {
        "said": next((entry for entry in reversed(timeline) if entry["new_state"] == row["state"]), None),
        "last_check": checks[-1] if checks else None,
        "timeline": timeline[earlier:],
        "earlier": earlier,
    }


async def _waits(insights: Insights, project_id: str, row: Row) -> list[str]:
    """Give why jobs of its kind wait, where this one does."""
    if row["state"] != JobState.PENDING:
        return []
    health = await insights.queue_health(project_id)
    reasons = [
        why
        for queue in health["queues"]
        if queue["kind"] == row["kind"]
        for why in queue["waiting_reasons"]
        if why not in OF_OTHER_JOBS
    ]
    return [WAITING_REASONS.get(why, why) for why in reasons]


async def _find(insights: Insights, scope: Scope, job: str) -> tuple[str, Row]:
    for project in [scope.chosen] if scope.chosen else [row["project_id"] for row in scope.visible]:
        try:
            return project, await insights.job(project, job)
        except JobNotFound:
            continue
    raise JobNotFound
