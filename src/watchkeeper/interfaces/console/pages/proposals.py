"""Proposals, which people decide, and lessons, which people hand out."""

from __future__ import annotations

from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.lessons import LessonState
from watchkeeper.domain.proposals import AdoptionStatus
from watchkeeper.interfaces.console.acts import proposals as acts
from watchkeeper.interfaces.console.acts.act import Act
from watchkeeper.interfaces.console.ground import Family, Ground, Page, Row, View
from watchkeeper.interfaces.console.pages.incidents import cursor, item, of_any
from watchkeeper.interfaces.console.visit import Visit

ROWS_A_PAGE = 30
SUBJECT_CHARS = 4000


async def proposals(ground: Ground, visit: Visit) -> View:
    scope = await ground.scope(visit)
    status = visit.asked("status")
    if status is not None and status not in set(AdoptionStatus):
        raise UsageError(f"unknown state {status[:40]!r}")
    facts: Row = {
        "scope": scope,
        "project_id": scope.project_id,
        "status": status,
        "states": list(AdoptionStatus),
        "before": visit.asked("before"),
        "proposals": [],
        "next": None,
    }
    if scope.project_id is not None:
        desk = ground.app.watchdog.knowledge.proposals
        facts["proposals"], facts["next"] = await desk.list(
            scope.project_id, status=status, before=cursor(visit.asked("before")), limit=ROWS_A_PAGE
        )
    return View("proposals/list.html", facts)


async def proposal(ground: Ground, visit: Visit) -> View:
    scope = await ground.scope(visit)
    asked = item(visit.request.path_params["proposal"])
    desk = ground.app.watchdog.knowledge.proposals
    project, found = await of_any(scope, lambda each: desk.show(each, asked))
    facts = {
        "scope": scope,
        "project_id": project,
        "proposal": ground.redactor.redact_data(found),
        "possible": possible(found),
        "subject_chars": SUBJECT_CHARS,
    }
    return View("proposals/proposal.html", facts)


def possible(proposal: Row) -> list[Act]:
    """Give what can be decided of a proposal as it stands."""
    match AdoptionStatus(proposal["adoption_status"]):
        case AdoptionStatus.PROPOSED:
            return [acts.ACCEPT, acts.REJECT]
        case AdoptionStatus.ACCEPTED if proposal["effect"] is not None:
            return [acts.UNDO]
    return []


async def lessons(ground: Ground, visit: Visit) -> View:
    scope = await ground.scope(visit)
    state = visit.asked("state")
    if state is not None and state not in set(LessonState):
        raise UsageError(f"unknown state {state[:40]!r}")
    facts: Row = {
        "scope": scope,
        "project_id": scope.project_id,
        "filters": {"state": state, "topic": visit.asked("topic")},
        "states": list(LessonState),
        "before": visit.asked("before"),
        "lessons": [],
        "next": None,
    }
    if scope.project_id is not None:
        facts["lessons"], facts["next"] = await ground.app.watchdog.knowledge.lessons.list(
            scope.project_id,
            state=LessonState(state) if state else None,
            topic_key=visit.asked("topic"),
            before=cursor(visit.asked("before")),
            limit=ROWS_A_PAGE,
        )
    return View("proposals/lessons.html", facts)


async def lesson(ground: Ground, visit: Visit) -> View:
    scope = await ground.scope(visit)
    asked = item(visit.request.path_params["lesson"])
    desk = ground.app.watchdog.knowledge.lessons
    project, found = await of_any(scope, lambda each: desk.show(each, asked))
    facts = {
        "scope": scope,
        "project_id": project,
        "lesson": ground.redactor.redact_data(found),
        "possible": [acts.RETIRE] if found["state"] == LessonState.PUBLISHED else [acts.PUBLISH],
    }
    return View("proposals/lesson.html", facts)


FAMILY = Family(
    "proposals",
    pages=(
        Page("/proposals", proposals),
        Page("/proposals/{proposal}", proposal),
        Page("/lessons", lessons),
        Page("/lessons/{lesson}", lesson),
    ),
    acts=acts.ACTS,
)
