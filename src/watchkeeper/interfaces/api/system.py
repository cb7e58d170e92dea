"""Whether the server lives and is ready, and the stream that tells that something changed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import aclosing

from fastapi import APIRouter, Request, Response
from sse_starlette import EventSourceResponse, ServerSentEvent

from watchkeeper import __version__
from watchkeeper.domain.errors import DatabaseUnavailable
from watchkeeper.domain.principals import Right
from watchkeeper.interfaces.api.answers import HEADERS, answer
from watchkeeper.interfaces.api.documents import PROBLEM, declared
from watchkeeper.interfaces.api.guarded import GuardedRoute
from watchkeeper.interfaces.api.state import ApiState, state_of

public = APIRouter(tags=["system"])
guarded = APIRouter(tags=["system"], route_class=GuardedRoute)

TOPIC = "queue"
PING_SECONDS = 15


@public.get("/healthz", responses=PROBLEM)
async def healthz() -> Response:
    """Say that this process serves; asks nothing of the database."""
    return answer(version=__version__)


@public.get("/readyz", responses=PROBLEM)
async def readyz(request: Request) -> Response:
    """Say that the database answers and has the schema that this program knows; 503 where not."""
    diagnosis = state_of(request).app.diagnosis
    checks = [await diagnosis.database(), await diagnosis.schema()]
    for check in checks:
        if not check.ok:
            raise DatabaseUnavailable(f"the {check.name} is not ready: {check.detail}")
    return answer(checks=[check.to_json() for check in checks])


@guarded.get("/events", **declared(Right.READ))
async def events(request: Request) -> Response:
    """Tell, as server-sent events, that something changed: topic, version and time, never what."""
    return EventSourceResponse(_changes(state_of(request)), ping=PING_SECONDS, headers=HEADERS)


async def _changes(state: ApiState) -> AsyncIterator[ServerSentEvent]:
    async with aclosing(state.app.changes.listen()) as changes:
        async for change in changes:
            told = {"topic": TOPIC, "version": change.version, "time": change.at.isoformat()}
            yield ServerSentEvent(json.dumps(told), event="changed", id=str(change.version))
