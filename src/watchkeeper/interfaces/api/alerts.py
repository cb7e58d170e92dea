"""Alerts: what people were told, why something was not told, and who has seen it."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response

from watchkeeper.domain.principals import Right
from watchkeeper.interfaces.api.answers import answer, listed
from watchkeeper.interfaces.api.auth import Here
from watchkeeper.interfaces.api.documents import JOB_ID, TIME, declared
from watchkeeper.interfaces.api.guarded import ActRoute, GuardedRoute
from watchkeeper.interfaces.api.pages import AfterId, Format, Limit
from watchkeeper.interfaces.api.schemas import ReasonBody

reads = APIRouter(prefix="/api/alerts", tags=["alerts"], route_class=GuardedRoute)
acts = APIRouter(prefix="/api/alerts", tags=["alerts"], route_class=ActRoute)

ALERT: dict[str, Any] = {
    "id": JOB_ID,
    "incident_id": JOB_ID,
    "severity": "high",
    "stage": 0,
    "channel": "console",
    "recipient": "owner",
    "body": "PLS worker stability alert: ...",
    "state": "sent",
    "sent_at": TIME,
}
OF_INCIDENT = {
    "incident_id": JOB_ID,
    "told_now": False,
    "stage": None,
    "not_told_because": "next_stage",
    "symptom_of": None,
    "next_at": TIME,
    "alerts": [ALERT],
}

State = Annotated[str | None, Query(description="waiting, sent or dropped.", max_length=20)]


@reads.get("", **declared(Right.READ, name="list", example={"alerts": [ALERT], "next_cursor": None}))
async def list_alerts(
    access: Here, limit: Limit = 100, cursor: AfterId = None, state: State = None, as_: Format = "json"
) -> Response:
    """List a project's alerts, the newest first: those that wait with the reason and the time of the next attempt."""
    rows, following = await access.app.watchdog.alerting.alerts.page(
        await access.project(), state=state, before=cursor, limit=limit
    )
    return listed("alerts", rows, following, as_)


@reads.get("/of/{incident_id}", **declared(Right.READ, name="of_incident", example=OF_INCIDENT))
async def alerts_of_incident(incident_id: UUID, access: Here) -> Response:
    """Say what people were told of an incident, why they are not told now, and when the next word comes."""
    return answer(
        **await access.app.watchdog.alerting.alerts.of_incident(await access.project(), incident_id)
    )


@reads.get("/{alert_id}", **declared(Right.READ, name="show", example={"alert": ALERT}))
async def show_alert(alert_id: UUID, access: Here) -> Response:
    """Give one alert, with its receipt or the reason why it was not sent."""
    return answer(alert=await access.app.watchdog.alerting.alerts.show(await access.project(), alert_id))


@acts.post(
    "/{alert_id}/acknowledge",
    **declared(Right.OPERATE, name="acknowledge", key="required", example={"alert": ALERT}),
)
async def acknowledge_alert(alert_id: UUID, body: ReasonBody, access: Here) -> Response:
    """Say that you have seen an alert, and take care of its incident for four hours."""
    row = await access.app.watchdog.alerting.alerts.acknowledge(
        await access.project(), alert_id, actor=access.principal.actor, note=body.reason
    )
    return answer(alert=row)


@acts.post("/test", **declared(Right.OPERATE, name="test", key="required", example={"channels": ["console"]}))
async def test_alerts(body: ReasonBody, access: Here) -> Response:  # noqa: ARG001 - acts give a reason
    """Put a test into the outbox of every channel that carries the project's alerts."""
    alerts = access.app.watchdog.alerting.alerts
    return answer(channels=await alerts.test(await access.project(), actor=access.principal.actor))
