"""What the watchdog found, or somebody reported.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypedDict, Unpack, cast

from watchkeeper.client.calling import Group, Operation
from watchkeeper.client.types.incidents import (
    AckBody,
    Incident,
    IncidentBody,
    IncidentsExportAnswer,
    IncidentsListAnswer,
    IncidentsReportAnswer,
    IncidentsShowAnswer,
    IncidentsStoryAnswer,
    IncidentState,
    QuietBody,
    RuleName,
    Severity,
)
from watchkeeper.client.types.shared import Answer, ReasonBody


class IncidentsListSaid(TypedDict, total=False):
    state: IncidentState | None
    unresolved: bool
    rule: RuleName | None
    severity: Severity | None
    job: str | None
    worker: str | None
    kind: str | None
    cursor: str | None
    limit: int
    format: Literal["json", "csv"]
    project: str


class IncidentsReportSaid(IncidentBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool


class IncidentsShowSaid(TypedDict, total=False):
    project: str


class IncidentsAcknowledgeSaid(AckBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool
    if_match: str


class IncidentsExportSaid(TypedDict, total=False):
    project: str


class IncidentsQuietSaid(QuietBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool
    if_match: str


class IncidentsResolveSaid(ReasonBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool
    if_match: str


class IncidentsStorySaid(TypedDict, total=False):
    project: str


_LIST = Operation(
    "GET",
    "/api/watchdog/incidents",
    ("state", "unresolved", "rule", "severity", "job", "worker", "kind", "cursor", "limit", "format"),
)

_REPORT = Operation("POST", "/api/watchdog/incidents", (), takes_key=True)

_SHOW = Operation("GET", "/api/watchdog/incidents/{incident_id}")

_ACKNOWLEDGE = Operation("POST", "/api/watchdog/incidents/{incident_id}/ack", (), takes_key=True)

_EXPORT = Operation("GET", "/api/watchdog/incidents/{incident_id}/export")

_QUIET = Operation("POST", "/api/watchdog/incidents/{incident_id}/quiet", (), takes_key=True)

_RESOLVE = Operation("POST", "/api/watchdog/incidents/{incident_id}/resolve", (), takes_key=True)

_STORY = Operation("GET", "/api/watchdog/incidents/{incident_id}/story")


class IncidentsGroup(Group):
    """What the watchdog found, or somebody reported."""

    def list(self, **said: Unpack[IncidentsListSaid]) -> IncidentsListAnswer:
        """List incidents, the newest first, a page at a time."""
        return cast("IncidentsListAnswer", self._connection.json(_LIST, {}, said))

    def iterate(self, **said: Unpack[IncidentsListSaid]) -> Iterator[Incident]:
        """Go through all of them, page by page."""
        return self._connection.pages(_LIST, {}, said, "incidents")

    def report(self, **said: Unpack[IncidentsReportSaid]) -> IncidentsReportAnswer:
        """Record what was seen."""
        return cast("IncidentsReportAnswer", self._connection.json(_REPORT, {}, said))

    def show(self, incident_id: str, **said: Unpack[IncidentsShowSaid]) -> IncidentsShowAnswer:
        """Show one incident with its evidence."""
        return cast("IncidentsShowAnswer", self._connection.json(_SHOW, {"incident_id": incident_id}, said))

    def acknowledge(self, incident_id: str, **said: Unpack[IncidentsAcknowledgeSaid]) -> Answer:
        """Take care of an incident until a time (an hour, if none is given)."""
        return cast("Answer", self._connection.json(_ACKNOWLEDGE, {"incident_id": incident_id}, said))

    def export(self, incident_id: str, **said: Unpack[IncidentsExportSaid]) -> IncidentsExportAnswer:
        """Give all that somebody outside needs to understand an incident."""
        return cast(
            "IncidentsExportAnswer", self._connection.json(_EXPORT, {"incident_id": incident_id}, said)
        )

    def quiet(self, incident_id: str, **said: Unpack[IncidentsQuietSaid]) -> Answer:
        """Say that this silence is right until a time, for its returns too."""
        return cast("Answer", self._connection.json(_QUIET, {"incident_id": incident_id}, said))

    def resolve(self, incident_id: str, **said: Unpack[IncidentsResolveSaid]) -> Answer:
        """Decide that an incident is over, where its rule leaves that to a person."""
        return cast("Answer", self._connection.json(_RESOLVE, {"incident_id": incident_id}, said))

    def story(self, incident_id: str, **said: Unpack[IncidentsStorySaid]) -> IncidentsStoryAnswer:
        """Tell what happened to an incident in order of time."""
        return cast("IncidentsStoryAnswer", self._connection.json(_STORY, {"incident_id": incident_id}, said))
