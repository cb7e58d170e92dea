"""Types: Whom an incident was told, and what came of it.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict


class Alert(TypedDict):
    body: NotRequired[str | None]
    channel: NotRequired[str | None]
    id: NotRequired[str | None]
    incident_id: NotRequired[str | None]
    recipient: NotRequired[str | None]
    sent_at: NotRequired[str | None]
    severity: NotRequired[str | None]
    stage: NotRequired[int | None]
    state: NotRequired[str | None]


class AlertsAcknowledgeAnswer(TypedDict):
    alert: Alert
    ok: bool


class AlertsListAnswer(TypedDict):
    alerts: list[Alert]
    next_cursor: Any
    ok: bool


class AlertsOfIncidentAnswer(TypedDict):
    alerts: list[Alert]
    incident_id: str
    next_at: str
    not_told_because: str
    ok: bool
    stage: Any
    symptom_of: Any
    told_now: bool


class AlertsShowAnswer(TypedDict):
    alert: Alert
    ok: bool


class AlertsTestAnswer(TypedDict):
    channels: list[str]
    ok: bool
