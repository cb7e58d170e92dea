"""Queue health: why nothing moves, kind by kind."""

from __future__ import annotations

from typing import Any

from watchkeeper.interfaces.console.ground import Family, Ground, Page, View
from watchkeeper.interfaces.console.visit import Visit
from watchkeeper.services.queue_health import why_it_waits

KINDS_A_PAGE = 30
SPARK_HEIGHT = 28
STEP = 6
"""How far the bars of two hours stand apart."""

NO_MORE = {"after": None, "next": None, "pulse": None, "project_id": None}


async def queues(ground: Ground, visit: Visit) -> View:
    scope = await ground.scope(visit)
    project = scope.project_id
    kind = visit.asked("kind")
    if project is None:
        return View(
            "queues/list.html", {"scope": scope, "health": None, "queues": [], "kind": kind, **NO_MORE}
        )
    health = await ground.insights.queue_health(project)
    found = [queue for queue in health["queues"] if kind is None or queue["kind"] == kind]
    found.sort(key=lambda queue: (not why_it_waits(queue), not queue["ready"], queue["kind"]))
    shown, following = _page(found, visit.asked("after"))
    hours = await ground.app.overview.pulse.hours(project)
    rows = [
        {**queue, "bars": bars(hours.get(queue["kind"], [])), "ended": _sums(hours.get(queue["kind"], []))}
        for queue in shown
    ]
    facts = {
        "scope": scope,
        "health": health,
        "queues": rows,
        "kind": kind,
        "project_id": project,
        "after": visit.asked("after"),
        "next": following,
        "pulse": await ground.app.overview.pulse.pulse(project, health),
        "reasons": _together(found),
    }
    return View("queues/list.html", facts, health["generated_at"])


def _page(queues: list[dict[str, Any]], after: str | None) -> tuple[list[dict[str, Any]], str | None]:
    """Give the queues that follow one, a page of them, and the last of these where there are more."""
    begin = next((place + 1 for place, queue in enumerate(queues) if queue["kind"] == after), 0)
    page = queues[begin : begin + KINDS_A_PAGE]
    return page, page[-1]["kind"] if begin + KINDS_A_PAGE < len(queues) else None


def bars(hours: list[dict[str, int]]) -> list[dict[str, int]]:
    """Give the bars of a day's small picture: of each hour what ended well and, upon it, what failed."""
    most = max((hour["well"] + hour["failed"] for hour in hours), default=0)
    drawn = []
    for number, hour in enumerate(hours):
        well, failed = (_height(hour[name], most) for name in ("well", "failed"))
        top = SPARK_HEIGHT - well
        drawn.append(
            {"x": number * STEP, "well": well, "well_y": top, "failed": failed, "failed_y": top - failed}
        )
    return drawn


def _height(count: int, most: int) -> int:
    """Give a bar's height; what happened at all is seen."""
    return max(2, round(count / most * (SPARK_HEIGHT - 2))) if count else 0


def _sums(hours: list[dict[str, int]]) -> dict[str, int]:
    return {name: sum(hour[name] for hour in hours) for name in ("well", "failed")}


def _together(queues: list[dict[str, Any]]) -> list[tuple[str, int, list[str]]]:
    """Give each reason with how many jobs wait for it, and of which kinds; the most first."""
    found: dict[str, tuple[int, list[str]]] = {}
    for queue in queues:
        for reason, count in queue["waiting_reasons"].items():
            jobs, kinds = found.get(reason, (0, []))
            found[reason] = (jobs + count, [*kinds, queue["kind"]])
    return sorted(((reason, *rest) for reason, rest in found.items()), key=lambda one: -one[1])


FAMILY = Family("queues", pages=(Page("/queues", queues),))
