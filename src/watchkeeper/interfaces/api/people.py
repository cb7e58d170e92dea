"""People: who was asked what until when, and what they answered."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from watchkeeper.domain.principals import Right
from watchkeeper.interfaces.api.answers import answer
from watchkeeper.interfaces.api.auth import Access, Here
from watchkeeper.interfaces.api.documents import JOB_ID, TIME, declared
from watchkeeper.interfaces.api.guarded import ActRoute, GuardedRoute
from watchkeeper.interfaces.api.knowledge_schemas import AnswerBody, QuestionBody, ReplyBody
from watchkeeper.interfaces.api.pages import AfterId, ItemId, Limit
from watchkeeper.interfaces.api.proposals import decides_for_all
from watchkeeper.services.people import Answered, Question, Said

reads = APIRouter(prefix="/api/people-syncs", tags=["people"], route_class=GuardedRoute)
acts = APIRouter(prefix="/api/people-syncs", tags=["people"], route_class=ActRoute)
replies = APIRouter(prefix="/api/operator-replies", tags=["people"], route_class=ActRoute)

SYNC: dict[str, Any] = {
    "id": JOB_ID,
    "person": "Louis",
    "question": "May a stale lease be released automatically?",
    "due_at": TIME,
    "answer": None,
    "is_overdue": False,
}
ANSWERED: dict[str, Any] = {
    "people_sync": {**SYNC, "answer": "adopt=revise", "effect": "a revision is asked for: threshold, ..."},
    "reply": {"adopt": "revise"},
    "asks": ["threshold", "authority", "data", "alert channel", "auto-release"],
    "next_question": JOB_ID,
}


@acts.post("", **declared(Right.DECIDE, key="required", status=201, example={"people_sync": SYNC}))
async def ask(body: QuestionBody, access: Here) -> Response:
    """Write down who is asked what until when; who does not answer in time is reminded once."""
    about = {
        name: None if (given := getattr(body, name)) is None else UUID(given)
        for name in ("incident_id", "proposal_id", "signal_id")
    }
    question = Question(body.person, body.question, body.due_at, body.channel, **about)
    project, actor = await access.project(), access.principal.actor
    people = access.app.watchdog.knowledge.people
    asked = await people.ask(project, question, actor=actor, reason=body.reason)
    return answer(201, people_sync=asked)


@reads.get("", **declared(Right.READ, name="list", example={"people_syncs": [SYNC], "next_cursor": None}))
async def list_people_syncs(
    access: Here, unanswered: bool = False, limit: Limit = 100, cursor: AfterId = None
) -> Response:
    """List who was asked what, the newest first."""
    rows, following = await access.app.watchdog.knowledge.people.list(
        await access.project(), unanswered=unanswered, before=cursor, limit=limit
    )
    return answer(people_syncs=rows, next_cursor=following)


@reads.get("/{sync_id}", **declared(Right.READ, name="show", example={"people_sync": SYNC}))
async def people_sync(sync_id: ItemId, access: Here) -> Response:
    """Give one question with its answer and what came of it."""
    return answer(
        people_sync=await access.app.watchdog.knowledge.people.show(await access.project(), sync_id)
    )


@acts.post(
    "/{sync_id}/answer",
    **declared(
        Right.DECIDE,
        name="answer",
        key="required",
        example=ANSWERED,
        maybe=("people_sync", "reply", "next_question"),
    ),
)
async def record_answer(sync_id: ItemId, body: AnswerBody, access: Here) -> Response:
    """Record an answer; `adopt=watchdog_config` accepts the proposal in question, `adopt=revise` asks for changes."""
    said = _said(body.answer, access, body.reason)
    return _answered(await access.app.watchdog.knowledge.people.answer(await access.project(), sync_id, said))


@replies.post(
    "",
    **declared(
        Right.DECIDE,
        key="required",
        status=201,
        example=ANSWERED,
        maybe=("people_sync", "reply", "next_question"),
    ),
)
async def record_reply(body: ReplyBody, access: Here) -> Response:
    """Record an operator's reply to a question that was asked elsewhere, with the same effects."""
    proposal = None if body.proposal_id is None else UUID(body.proposal_id)
    recorded = await access.app.watchdog.knowledge.people.reply(
        await access.project(),
        _said(body.text, access, body.reason),
        person=body.person,
        proposal_id=proposal,
    )
    return _answered(recorded, 201)


def _said(text: str, access: Access, reason: str | None) -> Said:
    return Said(text, access.principal.actor, decides_for_all(access.principal), reason=reason)


def _answered(recorded: Answered, status: int = 200) -> Response:
    reply = recorded.reply
    return answer(
        status,
        people_sync=recorded.sync,
        reply=recorded.sync["reply"],
        asks=[] if reply is None else list(reply.asks),
        next_question=recorded.next_question,
    )
