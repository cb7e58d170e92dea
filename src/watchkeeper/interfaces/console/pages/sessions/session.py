"""One session: its transcript as it grows, its clocks and which ends first, its cost, its lanes, its diagnosis."""

from __future__ import annotations

from typing import Any

from watchkeeper.domain.drawn_marks import Mark, Placed, placed
from watchkeeper.domain.errors import NotFound
from watchkeeper.domain.sessions.clocks import Clock, first_to_end
from watchkeeper.domain.sessions.lanes import Lanes, lanes_of
from watchkeeper.domain.time_axis import Axis, axis_of
from watchkeeper.interfaces.console.acts.sessions import possible
from watchkeeper.interfaces.console.ground import Ground, Row, Scope, View
from watchkeeper.interfaces.console.i18n import message
from watchkeeper.interfaces.console.pages.sessions.transcript import MOST_LINES, kinds_of, transcript_of
from watchkeeper.interfaces.console.visit import Visit
from watchkeeper.services.operations import as_uuid
from watchkeeper.services.session_reading import KINDS, LinesAsked, SessionReading

LANES_WIDTH = 1_000.0
AROUND = 300
"""Where one event is asked for, so many after it are shown with it."""

RENEWED_AT = 0.25
"""A supervisor renews at a quarter of its lease (docs/sessions.md)."""

CLOCKS: dict[str, str] = {
    "parked": message("parked by the provider"),
    "retries": message("retries"),
    "first event": message("first event"),
    "silence, a tool open": message("silence, a tool open"),
    "silence": message("silence"),
    "project progress": message("progress of the job"),
    "progress deadline": message("progress deadline"),
    "hard cap": message("hard cap"),
    "lease": message("lease"),
}

KIND_WORDS: dict[str, str] = {
    "say": message("Words"),
    "tool": message("Tools"),
    "error": message("Trouble"),
    "contract": message("Contract"),
    "state": message("Other"),
}


async def session(ground: Ground, visit: Visit) -> View:
    scope = await ground.scope(visit)
    reading = ground.app.sessions.reading
    project_id, row = await _find(reading, scope, visit.request.path_params["session"])
    asked = visit.request.query_params
    kinds = kinds_of(asked.getlist("kind"), KINDS)
    find = (visit.asked("find") or "")[:200] or None
    place, before = _number(visit.asked("at")), _number(visit.asked("before"))
    if place is not None and before is None:
        before = place + AROUND
    after = (_number(visit.asked("after")) or 0) if visit.wants_fragment else 0
    lines = await reading.lines(project_id, row["id"], LinesAsked(MOST_LINES, before, after, kinds, find))
    lanes = lanes_of(
        events := await reading.lanes(project_id, row["id"]), (row["now"] - row["started_at"]).total_seconds()
    )
    facts = {
        "scope": scope,
        "session": row | {"diagnosis": ground.redactor.redact_data(row["diagnosis"])},
        "project_id": project_id,
        "possible": possible(row),
        "transcript": transcript_of(lines.events, lines.earlier, after, ground.redactor),
        "filters": {"kinds": kinds or (), "find": find, "before": visit.asked("before"), "at": place},
        "is_followed": before is None and find is None and (row["ended_at"] is None or visit.wants_fragment),
        "wrap": visit.asked("wrap") != "0",
        "clocks": CLOCKS,
        "kind_words": KIND_WORDS,
        "first": first_to_end(Clock(**clock) for clock in row["clocks"]),
        "renews_in": _renews_in(row),
        "lanes": lanes,
        "drawn": _drawn(lanes),
        "work": _work(events),
    }
    return View("sessions/session.html", facts, row["now"])


async def _find(reading: SessionReading, scope: Scope, name: str) -> tuple[str, dict[str, Any]]:
    session_id = as_uuid(name)
    for project_id in [scope.chosen] if scope.chosen else [row["project_id"] for row in scope.visible]:
        if session_id is None:
            break
        try:
            return project_id, await reading.show(project_id, session_id)
        except NotFound:
            continue
    raise NotFound("there is no such session here")


def _renews_in(row: Row) -> float | None:
    """Give in how many seconds the lease should be renewed; negative where that is overdue, None without a lease."""
    if row["lease_renewed_at"] is None:
        return None
    gone: float = (row["now"] - row["lease_renewed_at"]).total_seconds()
    return float(RENEWED_AT * row["lease_seconds"]) - gone


def _drawn(lanes: Lanes) -> tuple[Axis, list[Placed]] | None:
    """Lay out the lanes, idle spans cut; None where nothing was done yet."""
    marks = [Mark("model", begin, end, "run") for begin, end in lanes.model]
    last = max([0.0, *(end for _, end in lanes.model), *(call.end or call.begin for call in lanes.calls)])
    marks += [
        Mark("tool", call.begin, call.end or last, "bad" if call.failed else "run", {"tool": call.tool})
        for call in lanes.calls
    ]
    if not marks:
        return None
    moments = [at for mark in marks for at in (mark.at, mark.until or mark.at)]
    axis = axis_of(moments, min(moments), max(moments), LANES_WIDTH)
    return axis, placed(marks, axis)


def _work(events: list[Row]) -> dict[str, int]:
    """Count what was seen of its work: calls that wrote files, files and commits that changed in its workspace."""
    return {
        "wrote": sum(bool(event["fields"].get("wrote")) for event in events),
        "files": sum(int(event["fields"].get("files") or 0) for event in events),
        "commits": sum(int(event["fields"].get("commits") or 0) for event in events),
    }


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 16 else None
