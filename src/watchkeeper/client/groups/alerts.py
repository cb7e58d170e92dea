"""Whom an incident was told, and what came of it.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypedDict, Unpack, cast

from watchkeeper.client.calling import Group, Operation
from watchkeeper.client.types.alerts import (
    Alert,
    AlertsAcknowledgeAnswer,
    AlertsListAnswer,
    AlertsOfIncidentAnswer,
    AlertsShowAnswer,
    AlertsTestAnswer,
)
from watchkeeper.client.types.shared import ReasonBody


class AlertsListSaid(TypedDict, total=False):
    limit: int
    cursor: str | None
    state: str | None
    format: Literal["json", "csv"]
    project: str


class AlertsOfIncidentSaid(TypedDict, total=False):
    project: str


class AlertsTestSaid(ReasonBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool


class AlertsShowSaid(TypedDict, total=False):
    project: str


class AlertsAcknowledgeSaid(ReasonBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool


_LIST = Operation("GET", "/api/alerts", ("limit", "cursor", "state", "format"))

_OF_INCIDENT = Operation("GET", "/api/alerts/of/{incident_id}")

_TEST = Operation("POST", "/api/alerts/test", (), takes_key=True)

_SHOW = Operation("GET", "/api/alerts/{alert_id}")

_ACKNOWLEDGE = Operation("POST", "/api/alerts/{alert_id}/acknowledge", (), takes_key=True)


class AlertsGroup(Group):
    """Whom an incident was told, and what came of it."""

    def list(self, **said: Unpack[AlertsListSaid]) -> AlertsListAnswer:
        """List a project's alerts, the newest first."""
        return cast("AlertsListAnswer", self._connection.json(_LIST, {}, said))

    def iterate(self, **said: Unpack[AlertsListSaid]) -> Iterator[Alert]:
        """Go through all of them, page by page."""
        return self._connection.pages(_LIST, {}, said, "alerts")

    def of_incident(self, incident_id: str, **said: Unpack[AlertsOfIncidentSaid]) -> AlertsOfIncidentAnswer:
        """Say what people were told of an incident, why they are not told now."""
        return cast(
            "AlertsOfIncidentAnswer", self._connection.json(_OF_INCIDENT, {"incident_id": incident_id}, said)
        )

    def test(self, **said: Unpack[AlertsTestSaid]) -> AlertsTestAnswer:
        """Put a test into the outbox of every channel that carries the project's alerts."""
        return cast("AlertsTestAnswer", self._connection.json(_TEST, {}, said))

    def show(self, alert_id: str, **said: Unpack[AlertsShowSaid]) -> AlertsShowAnswer:
        """Give one alert, with its receipt or the reason why it was not sent."""
        return cast("AlertsShowAnswer", self._connection.json(_SHOW, {"alert_id": alert_id}, said))

    def acknowledge(self, alert_id: str, **said: Unpack[AlertsAcknowledgeSaid]) -> AlertsAcknowledgeAnswer:
        """Say that you have seen an alert."""
        return cast(
            "AlertsAcknowledgeAnswer", self._connection.json(_ACKNOWLEDGE, {"alert_id": alert_id}, said)
        )
