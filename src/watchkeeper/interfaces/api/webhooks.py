"""Where Alertmanager posts to: kept, then answered 200; 503 while the database is away, so that it repeats."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from watchkeeper.domain.principals import Right
from watchkeeper.interfaces.api.answers import answer
from watchkeeper.interfaces.api.auth import Access, Here
from watchkeeper.interfaces.api.bodies import StrictRequest, read_document
from watchkeeper.interfaces.api.documents import JOB_ID, declared
from watchkeeper.interfaces.api.guarded import GuardedRoute
from watchkeeper.interfaces.api.host import project_of

MOST_BYTES = 4 * 1024 * 1024
"""Alertmanager repeats only what fails on our side: what is refused for its size is lost."""


class TakingRoute(GuardedRoute):
    """Refuses no body for what stands in it: the service takes secrets out, and parts bad alerts from good ones."""

    async def prepared(self, request: Request, access: Access) -> Request:
        taken = await read_document(request, MOST_BYTES)
        self._refuse_unknown_query(taken)
        taken.state.access = access
        return taken


alertmanager = APIRouter(prefix="/api/webhooks", tags=["host"], route_class=TakingRoute)

_ALERT: dict[str, Any] = {
    "status": "firing",
    "labels": {"alertname": "HostOrphanBrowserSmokeHighCpu", "instance": "build-1:9100"},
    "annotations": {"summary": "Browsers whose sessions are over use up the processor."},
    "startsAt": "2026-11-21T12:00:00Z",
    "endsAt": "0001-01-01T00:00:00Z",
    "fingerprint": "c5b1f6f1d0a1b2c3",
}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["alerts"],
                    "properties": {
                        "version": {"type": "string"},
                        "groupKey": {"type": "string"},
                        "truncatedAlerts": {"type": "integer"},
                        "receiver": {"type": "string"},
                        "alerts": {"type": "array", "items": {"type": "object"}},
                    },
                },
                "example": {"version": "4", "groupKey": "{}:{}", "truncatedAlerts": 0, "alerts": [_ALERT]},
            }
        },
    }
}
_DECLARED = declared(
    Right.RECEIVE_ALERTS,
    example={
        "received": 1,
        "new": 1,
        "truncated": 0,
        "incidents": [{"id": JOB_ID, "rule": "host_orphan_browser", "opened": True}],
        "problems": [],
    },
)
_DECLARED["openapi_extra"] |= _BODY


@alertmanager.post("/alertmanager", **_DECLARED)
async def receive(request: Request, access: Here) -> Response:
    """Take a delivery of Alertmanager's (version 4). A bad alert is told in `problems`, and the others are taken."""
    document = request.document if isinstance(request, StrictRequest) else None
    receiving = access.app.watchdog.host.receiving
    return answer(**await receiving.receive(await project_of(access), document, actor=access.principal.actor))
