"""The sessions of a project, the newest first."""

from __future__ import annotations

from uuid import UUID

from watchkeeper.domain.errors import UsageError
from watchkeeper.interfaces.console.ground import Ground, Row, View
from watchkeeper.interfaces.console.visit import Visit
from watchkeeper.services.session_reading import SessionFilter

SESSIONS_A_PAGE = 30
LIVE = {"live": True, "ended": False}


async def sessions(ground: Ground, visit: Visit) -> View:
    filters = {name: visit.asked(name) for name in ("state", "job", "worker", "before")}
    if filters["state"] not in (None, *LIVE):
        raise UsageError(f"unknown state {filters['state']!r}; it is one of {', '.join(LIVE)}")
    scope = await ground.scope(visit)
    rows: list[Row] = []
    following: UUID | None = None
    if scope.project_id is not None:
        live = None if filters["state"] is None else LIVE[filters["state"]]
        rows, following = await ground.app.sessions.reading.page(
            scope.project_id,
            SessionFilter(filters["job"], filters["worker"], live),
            before=as_id(filters["before"]),
            limit=SESSIONS_A_PAGE,
        )
    facts = {"scope": scope, "filters": filters, "sessions": rows, "next": following}
    return View("sessions/list.html", facts)


def as_id(text: str | None) -> UUID | None:
    """Read a session's id from an address; raise UsageError for what is none."""
    try:
        return UUID(text) if text else None
    except ValueError:
        raise UsageError("this is no session's id") from None
