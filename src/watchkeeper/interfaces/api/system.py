"""Whether the server lives and is ready, and the stream that tells that something changed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import PlainTextResponse
from sse_starlette import EventSourceResponse, ServerSentEvent

from watchkeeper import __version__
from watchkeeper.domain.errors import DatabaseUnavailable, WatchkeeperError
from watchkeeper.domain.exposition import CONTENT_TYPE
from watchkeeper.domain.principals import Right
from watchkeeper.interfaces.api.answers import HEADERS, answer
from watchkeeper.interfaces.api.auth import Here, admit
from watchkeeper.interfaces.api.documents import PROBLEM, answered, declared
from watchkeeper.interfaces.api.guarded import GuardedRoute
from watchkeeper.interfaces.api.state import state_of
from watchkeeper.services.topics import MOST_OF_A_LISTENER, Thing, things_of

public = APIRouter(tags=["system"])
guarded = APIRouter(tags=["system"], route_class=GuardedRoute)

ALIVE = answered("Answer", {"version": "1.0.0"})
READY = answered("Answer", {"checks": [{"name": "database", "ok": True, "detail": "answers"}]})
PING_SECONDS = 15
STREAM_HEADERS = HEADERS | {"X-Accel-Buffering": "no"}
"""A proxy that gathers a stream would hold each change back until the next."""


@public.get("/healthz", responses=ALIVE | PROBLEM)
async def healthz() -> Response:
    """Say that this process serves; asks nothing of the database."""
    return answer(version=__version__)


@public.get("/readyz", responses=READY | PROBLEM)
async def readyz(request: Request) -> Response:
    """Say that the database answers and has the schema that this program knows; 503 where not."""
    diagnosis = state_of(request).app.diagnosis
    checks = [await diagnosis.database(), await diagnosis.schema()]
    for check in checks:
        if not check.ok:
            raise DatabaseUnavailable(f"the {check.name} is not ready: {check.detail}")
    return answer(checks=[check.to_json() for check in checks])


@guarded.get(
    "/metrics",
    **declared(Right.READ, plain="text/plain"),
    response_class=PlainTextResponse,
)
async def metrics(access: Here) -> Response:
    """Give the metrics of the token's project, as Prometheus reads them; of all with a token of the whole."""
    only = access.principal.project_id or access.project_asked
    return Response(await access.app.metrics.text(only), 200, HEADERS, CONTENT_TYPE)


@guarded.get("/events", **declared(Right.READ, plain="text/event-stream"), response_class=EventSourceResponse)
async def events(
    request: Request,
    access: Here,
    topic: Annotated[
        list[str] | None,
        Query(
            description="Only changes of these: `job:ID`, `session:ID`, `incident:ID`, `repair:ID`. Else all that "
            "the audit trail tells.",
            max_length=MOST_OF_A_LISTENER,
        ),
    ] = None,
) -> Response:
    """Tell, as server-sent events, that something of a project changed: topic, version and time, never what."""
    only = access.principal.project_id or access.project_asked
    things = things_of(topic, only) if topic else None
    return EventSourceResponse(_changes(request, only, things), ping=PING_SECONDS, headers=STREAM_HEADERS)


async def _changes(
    request: Request, project_id: str | None, things: frozenset[Thing] | None
) -> AsyncIterator[ServerSentEvent]:
    async with aclosing(state_of(request).app.changes.listen(project_id, things)) as changes:
        async for change in changes:
            try:
                await admit(request, (Right.READ,), in_job=False)
            except WatchkeeperError:
                return  # the token or session has ended meanwhile, and so ends what it listened to
            told = {"topic": change.topic, "version": change.version, "time": change.at.isoformat()}
            yield ServerSentEvent(json.dumps(told), event="changed", id=str(change.version))
