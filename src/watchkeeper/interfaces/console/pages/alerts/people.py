"""People: who was asked what until when, what they answered, what came of it; and the forms to answer by."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from watchkeeper.domain.errors import NotFound, UsageError
from watchkeeper.domain.operator_replies import METRICS, Adoption
from watchkeeper.domain.principals import Right
from watchkeeper.interfaces.console.acts.act import Act, Fact, Field, Seen
from watchkeeper.interfaces.console.ground import Ground, Row, View
from watchkeeper.interfaces.console.i18n import message
from watchkeeper.interfaces.console.pages.alerts.bodies import ReplyAct
from watchkeeper.interfaces.console.pages.alerts.outbox import look_at_project
from watchkeeper.interfaces.console.visit import Visit
from watchkeeper.services.operations import as_uuid

QUESTIONS_A_PAGE = 30
OPEN = "open"


async def people(ground: Ground, visit: Visit) -> View:
    scope = await ground.scope(visit)
    shown, before = visit.asked("show"), visit.asked("before")
    cursor = as_uuid(before or "")
    if before is not None and cursor is None:
        raise UsageError("the cursor is not a question's id")
    rows: list[Row] = []
    following: UUID | None = None
    if scope.project_id is not None:
        rows, following = await ground.app.watchdog.knowledge.people.list(
            scope.project_id, unanswered=shown == OPEN, before=cursor, limit=QUESTIONS_A_PAGE
        )
    filters = {"show": shown, "before": before}
    return View(
        "alerts/people.html", {"scope": scope, "questions": rows, "next": following, "filters": filters}
    )


async def look_at_question(ground: Ground, visit: Visit, project: str, target: Mapping[str, str]) -> Seen:  # noqa: ARG001
    found = as_uuid(target["sync_id"])
    if found is None:
        raise NotFound("nobody was asked that here")
    row = await ground.app.watchdog.knowledge.people.show(project, found)
    facts: tuple[Fact, ...] = (
        (message("Who was asked"), row["person"]),
        (message("Question"), row["question"]),
        (message("Asked by"), row["asked_by"]),
        (message("Answer until"), row["due_at"] or message("no time was set")),
        (message("Answer"), row["answer"] or message("nobody yet")),
    )
    return Seen(row["person"], facts, str(row["answered_at"]), frozenset({str(row["id"])}))


REPLY_FIELDS = (
    Field("owner", message("Owner"), hint=message("Who takes care of it.")),
    Field(
        "adopt",
        message("Adopt"),
        "choice",
        (
            ("", message("says nothing of it")),
            (Adoption.WATCHDOG_CONFIG, message("yes: adopt the watchdog's configuration")),
            (Adoption.REVISE, message("revise: something has to change first")),
        ),
    ),
    Field("alert_channel", message("Alert channel")),
    Field(
        "first_metric",
        message("First metric"),
        "choice",
        (("", message("says nothing of it")), *((name, name) for name in sorted(METRICS))),
    ),
    Field("blocker", message("Blocker"), hint=message("What stands in the way; “none” for nothing.")),
)

ASK = Act(
    name="people-ask",
    route="POST /api/people-syncs",
    right=Right.DECIDE,
    title=message("Ask a person"),
    plan=message("The question is written down. Who does not answer in time is reminded once."),
    touches=message("One person; the reminder goes through the alert channels."),
    stays=message("Everything else. You ask the person yourself; this keeps the record."),
    undo=message("A question stays on record; an answer closes it."),
    otherwise=message("Nobody is asked."),
    look=look_at_project,
    fields=(
        Field("person", message("Who is asked"), is_required=True),
        Field("question", message("Question"), "area", is_required=True),
        Field("due_at", message("Answer until"), "time"),
        Field("channel", message("Where they were asked")),
    ),
    reason="none",
    is_rehearsed=False,
)
ANSWER = Act(
    name="people-answer",
    route="POST /api/people-syncs/{sync_id}/answer",
    right=Right.DECIDE,
    title=message("Record an answer"),
    plan=message("The answer is written down, once, in your name."),
    touches=message("This question; nobody is reminded of it any more."),
    stays=message("Everything else, unless the answer is a reply that adopts something."),
    undo=message("An answer is kept for good."),
    otherwise=message("When its time is over, the person is reminded once."),
    look=look_at_question,
    target=("sync_id",),
    fields=(Field("answer", message("Answer"), "area", is_required=True),),
    reason="none",
    is_rehearsed=False,
)
DECIDE = ReplyAct(
    name="people-decide",
    route="POST /api/people-syncs/{sync_id}/answer",
    right=Right.DECIDE,
    title=message("Answer by form"),
    plan=message(
        "What you fill in is written down as the operator's reply to this question, and has its effect."
    ),
    touches=message(
        "The question; adopting accepts the proposal in question, revising asks what should change."
    ),
    stays=message("What you leave empty."),
    undo=message("An answer is kept for good; a proposal that it accepted can be undone on its page."),
    otherwise=message("When its time is over, the person is reminded once."),
    look=look_at_question,
    target=("sync_id",),
    fields=REPLY_FIELDS,
    reason="none",
    is_rehearsed=False,
    into="answer",
)
REPLY = ReplyAct(
    name="people-reply",
    route="POST /api/operator-replies",
    right=Right.DECIDE,
    title=message("Record an operator's reply"),
    plan=message("What you fill in is written down as a reply to a question that was asked elsewhere."),
    touches=message("The record of what people answered; revising asks what should change."),
    stays=message("What you leave empty."),
    undo=message("An answer is kept for good."),
    otherwise=message("Nothing is written down."),
    look=look_at_project,
    fields=REPLY_FIELDS,
    reason="none",
    is_rehearsed=False,
    into="text",
)
ACTS = (ASK, ANSWER, DECIDE, REPLY)
