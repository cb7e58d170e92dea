"""Bulk acts: what would match, what runs and how far it is, what ran before."""

from __future__ import annotations

from datetime import timedelta

from watchkeeper.domain.bulk import OF_STATES
from watchkeeper.domain.errors import UsageError
from watchkeeper.interfaces.console.acts.bulk import filter_of
from watchkeeper.interfaces.console.ground import Family, Ground, Page, View
from watchkeeper.interfaces.console.visit import Visit

SHOWN = 30
HOURS = (0, 1, 24, 168, 720)
"""Ages that are offered: jobs made so many hours ago or earlier."""


async def bulk(ground: Ground, visit: Visit) -> View:
    scope = await ground.scope(visit)
    project = scope.project_id or ""
    now = await ground.now()
    facts = {
        "scope": scope,
        "rows": await ground.app.bulk.list(project, SHOWN),
        "kinds": [row["kind"] for row in (await ground.app.kinds.list(project))[0]],
        "of_states": OF_STATES,
        "states": list(dict.fromkeys(state for states in OF_STATES.values() for state in states)),
        "hours": HOURS,
        "asked": {name: visit.asked(name) for name in ("what", "state", "kind", "hours")},
        "found": None,
        "target": None,
        "impossible": False,
    }
    if visit.asked("what") and visit.asked("state"):
        hours = visit.asked("hours") or "0"
        if not hours.isdigit() or len(hours) > 6:
            raise UsageError("the age is no number of hours")
        target = {
            "what": visit.asked("what"),
            "state": visit.asked("state"),
            "kind": visit.asked("kind"),
            "made_before": (now - timedelta(hours=int(hours))).isoformat(),
        }
        try:
            wanted = filter_of(target)
        except UsageError:
            return View("bulk/page.html", facts | {"impossible": True}, now)
        facts |= {"found": await ground.app.bulk.preview(project, wanted), "target": target}
    return View("bulk/page.html", facts, now)


FAMILY = Family("bulk", pages=(Page("/settings/bulk", bulk),))
