"""What each page shows, gathered from the reads that all interfaces share. Nothing here decides a state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from watchkeeper.domain.errors import JobNotFound, NotFound
from watchkeeper.domain.jobs import JobState
from watchkeeper.domain.principals import Principal
from watchkeeper.domain.redaction import Redactor
from watchkeeper.interfaces.console.words import WAITING_REASONS
from watchkeeper.services.insights import Insights

Row = dict[str, Any]

SHOWN_PROJECTS = 4
"""How many projects the overview reads in full; the others are reached through their names."""

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
JOBS_A_PAGE = 30
TIMELINE_SHOWN = 30
PAYLOAD_CHARS = 2000

OF_OTHER_JOBS = frozenset({"not_due", "lease_dead", "quarantined"})
"""Reasons that stand for single jobs of a kind, and so say nothing of another one that is ready."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The projects that a visitor may see, and those that this page is about."""

    visible: list[Row]
    chosen: str | None

    @property
    def several(self) -> bool:
        return len(self.visible) > 1

    @property
    def shown(self) -> list[Row]:
        """The projects that are read in full, those with trouble or work first."""
        if self.chosen is not None:
            return [row for row in self.visible if row["project_id"] == self.chosen]
        busy = sorted(
            self.visible,
            key=lambda row: tuple(-row[name] for name in ("stuck", "paused", "running", "pending")),
        )
        return busy[:SHOWN_PROJECTS]


async def scope_of(insights: Insights, principal: Principal, asked: str | None) -> Scope:
    """Find what a visitor may see; raise NotFound for a project of others, as if there were none."""
    if asked is not None:
        asked = principal.project(asked)
    visible, _ = await insights.projects(principal.project_id)
    if asked is not None and all(row["project_id"] != asked for row in visible):
        raise NotFound(f"there is no project {asked[:100]!r} here")
    return Scope(visible, asked or (visible[0]["project_id"] if len(visible) == 1 else None))


async def overview(insights: Insights, scope: Scope) -> Row:
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


async def jobs_page(insights: Insights, scope: Scope, filters: Mapping[str, Any]) -> Row:
    """Gather one page of a project's jobs, newest first; raise UsageError for a filter that there is not."""
    if not scope.visible:
        return {"jobs": [], "next": None, "kinds": [], "states": list(JobState), "project_id": None}
    project_id = scope.chosen or scope.visible[0]["project_id"]
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
