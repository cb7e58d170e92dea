"""Lessons: proposed by whoever learnt them, published by people, exported as they came."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Response

from watchkeeper.domain.lessons import KNOWN_KEYS, LessonState
from watchkeeper.domain.principals import Right
from watchkeeper.interfaces.api.answers import answer, listed
from watchkeeper.interfaces.api.auth import Here
from watchkeeper.interfaces.api.documents import JOB_ID, declared
from watchkeeper.interfaces.api.guarded import ActRoute, GuardedRoute, KeyedRoute
from watchkeeper.interfaces.api.kinds import REASON
from watchkeeper.interfaces.api.knowledge_schemas import DecisionBody
from watchkeeper.interfaces.api.pages import AfterId, Format, ItemId, Limit
from watchkeeper.interfaces.api.schemas import ReasonBody

reads = APIRouter(prefix="/api/lessons", tags=["lessons"], route_class=GuardedRoute)
puts = APIRouter(prefix="/api/lessons", tags=["lessons"], route_class=KeyedRoute)
acts = APIRouter(prefix="/api/lessons", tags=["lessons"], route_class=ActRoute)

LESSON: dict[str, Any] = {
    "id": JOB_ID,
    "state": "published",
    "topic_key": "codex-session-stability",
    "learned": ["Fetch failed can often be recovered by touch, short delay, and a single retry."],
    "confirmed": 4,
    "refuted": 0,
}


@puts.post(
    "",
    **declared(
        Right.PROPOSE,
        key="optional",
        status=201,
        example={"lesson": {"id": JOB_ID, "existing": False}},
        job_token=True,
    ),
)
async def learn(
    body: Annotated[dict[str, Any], Body(description=f"A lesson: {', '.join(KNOWN_KEYS)}.")],
    access: Here,
    reason: REASON | None = None,
) -> Response:
    """Keep a lesson's document, proposed until a person publishes it; the same document is kept once."""
    learnt = await access.app.watchdog.knowledge.lessons.learn(
        await access.project(), body, actor=access.principal.actor, reason=reason
    )
    return answer(201, lesson={"id": learnt.id, "existing": not learnt.is_new})


@reads.get("", **declared(Right.READ, name="list", example={"lessons": [LESSON], "next_cursor": None}))
async def list_lessons(
    access: Here,
    state: LessonState | None = None,
    topic: Annotated[str | None, Query(max_length=200)] = None,
    kind: Annotated[str | None, Query(max_length=100)] = None,
    limit: Limit = 100,
    cursor: AfterId = None,
    as_: Format = "json",
) -> Response:
    """List lessons, the newest first."""
    rows, following = await access.app.watchdog.knowledge.lessons.list(
        await access.project(), state=state, topic_key=topic, kind=kind, before=cursor, limit=limit
    )
    return listed("lessons", rows, following, as_)


@reads.get(
    "/{lesson_id}",
    **declared(Right.READ, version_of="lesson", name="show", example={"lesson": {**LESSON, "document": {}}}),
)
async def lesson(lesson_id: ItemId, access: Here) -> Response:
    """Give one lesson; `document` is what was imported, as it came but for secrets."""
    return answer(lesson=await access.app.watchdog.knowledge.lessons.show(await access.project(), lesson_id))


@acts.post(
    "/{lesson_id}/publish",
    **declared(Right.DECIDE, version_of="lesson", key="required", example={"lesson": LESSON}),
)
async def publish(lesson_id: ItemId, body: DecisionBody, access: Here) -> Response:
    """Let a lesson be handed to workers."""
    published = await access.app.watchdog.knowledge.lessons.publish(
        await access.project(), lesson_id, actor=access.principal.actor, reason=body.reason
    )
    return answer(lesson=published)


@acts.post(
    "/{lesson_id}/retire",
    **declared(Right.DECIDE, version_of="lesson", key="required", example={"lesson": LESSON}),
)
async def retire(lesson_id: ItemId, body: ReasonBody, access: Here) -> Response:
    """Hand a lesson out no more; a proposed one is refused by this."""
    retired = await access.app.watchdog.knowledge.lessons.retire(
        await access.project(), lesson_id, actor=access.principal.actor, reason=body.reason
    )
    return answer(lesson=retired)
