"""Signals: messages that become jobs, and how far each came."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response

from watchkeeper.domain.errors import PermissionDenied
from watchkeeper.domain.principals import Right
from watchkeeper.domain.signals import Signal, project_of_topic
from watchkeeper.interfaces.api.answers import answer
from watchkeeper.interfaces.api.auth import Access, Here
from watchkeeper.interfaces.api.documents import JOB_ID, TIME, declared
from watchkeeper.interfaces.api.guarded import ActRoute, GuardedRoute, KeyedRoute
from watchkeeper.interfaces.api.knowledge_schemas import SignalBody, ToldBody
from watchkeeper.interfaces.api.pages import AfterId, ItemId, Limit

reads = APIRouter(prefix="/api/signals", tags=["signals"], route_class=GuardedRoute)
puts = APIRouter(prefix="/api/signals", tags=["signals"], route_class=KeyedRoute)
acts = APIRouter(prefix="/api/signals", tags=["signals"], route_class=ActRoute)

SIGNAL: dict[str, Any] = {
    "id": JOB_ID,
    "source": "company_signal_mastery",
    "topic_key": "codex-session-stability",
    "text": "Incoming signals must advance projects.",
    "job_id": JOB_ID,
    "route": {"kind": "watchdog", "by": "lesson", "lesson_id": JOB_ID, "pool": None},
}
LINK = {"link": "signal", "state": "done", "at": TIME, "evidence": [], "said": "Incoming signals must ..."}


@puts.post(
    "",
    **declared(
        Right.ENQUEUE, key="optional", status=201, example={"signal": SIGNAL, "project_id": "default"}
    ),
)
async def receive(body: SignalBody, access: Here) -> Response:
    """Make a job of a signal. An owner of the whole who names no project gets the topic's, made where there is none."""
    signal = Signal(
        body.source,
        body.topic_key,
        body.text,
        body.evidence_ref,
        tuple(body.related_people),
        tuple(body.related_projects),
        body.annotations,
        body.persona,
        body.kind,
    )
    project = await _project(body.topic_key, access, body.reason)
    kept = await access.app.watchdog.knowledge.signals.receive(
        project, signal, actor=access.principal.actor, reason=body.reason
    )
    return answer(201, signal=kept, project_id=project)


async def _project(topic_key: str, access: Access, reason: str | None) -> str:
    named = access.project_asked or access.principal.project_id
    name = None if named else project_of_topic(topic_key)
    if name is None or not access.principal.may(Right.MANAGE_PROJECTS):
        return await access.project()
    await access.app.kinds.make_project(name, topic_key, actor=access.principal.actor, reason=reason)
    return name


@reads.get("", **declared(Right.READ, name="list", example={"signals": [SIGNAL], "next_cursor": None}))
async def list_signals(
    access: Here,
    topic: Annotated[str | None, Query(max_length=200)] = None,
    group: Annotated[bool, Query(description="With the projects that it is read together with.")] = False,
    limit: Limit = 100,
    cursor: AfterId = None,
) -> Response:
    """List signals, the newest first; `group` is for principals of the whole installation."""
    if group and access.principal.project_id is not None:
        raise PermissionDenied("projects are read together by principals of the whole installation")
    rows, following = await access.app.watchdog.knowledge.signals.list(
        await access.project(), topic_key=topic, group=group, before=cursor, limit=limit
    )
    return answer(signals=rows, next_cursor=following)


@reads.get("/{signal_id}", **declared(Right.READ, name="show", example={"signal": SIGNAL}))
async def signal(signal_id: ItemId, access: Here) -> Response:
    """Give one signal with its annotations."""
    return answer(signal=await access.app.watchdog.knowledge.signals.show(await access.project(), signal_id))


@reads.get("/{signal_id}/chain", **declared(Right.READ, example={"signal": SIGNAL, "chain": [LINK]}))
async def chain(signal_id: ItemId, access: Here) -> Response:
    """Give the links signal, artifact, adoption, reliability, value, each with its evidence or why it is not there."""
    found = await access.app.watchdog.knowledge.signals.chain(await access.project(), signal_id)
    return answer(**access.app.redactor.redact_data(found))


@acts.post("/{signal_id}/adoption", **declared(Right.DECIDE, key="required", example={"signal": SIGNAL}))
async def adoption(signal_id: ItemId, body: ToldBody, access: Here) -> Response:
    """Write down that people use what a signal led to."""
    return await _tell(signal_id, "adoption", body, access)


@acts.post("/{signal_id}/value", **declared(Right.DECIDE, key="required", example={"signal": SIGNAL}))
async def value(signal_id: ItemId, body: ToldBody, access: Here) -> Response:
    """Write down what a signal was worth in the end."""
    return await _tell(signal_id, "value", body, access)


async def _tell(signal_id: UUID, what: str, body: ToldBody, access: Access) -> Response:
    told = await access.app.watchdog.knowledge.signals.tell(
        await access.project(),
        signal_id,
        what,
        body.text,
        body.evidence_ref,
        actor=access.principal.actor,
        reason=body.reason,
    )
    return answer(signal=told)
