"""The host guard: what a machine carries, and what alerts say of it.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypedDict, Unpack, cast

from watchkeeper.client.calling import Group, Operation
from watchkeeper.client.types.host import (
    AssetsBody,
    HostAskActAnswer,
    HostIncident,
    HostIncidentsAnswer,
    HostKeepAnswer,
    HostListActsAnswer,
    HostPacket,
    HostPacketAnswer,
    HostPacketsAnswer,
    HostPlaybooksAnswer,
    HostReadingsAnswer,
    HostReceiveAnswer,
    HostRemediation,
    HostShowActAnswer,
    HostShowAssetsAnswer,
    HostWriteAssetsAnswer,
    PacketsBody,
    RemediationBody,
)


class HostIncidentsSaid(TypedDict, total=False):
    host: str | None
    unresolved: bool
    limit: int
    cursor: str | None
    project: str


class HostShowAssetsSaid(TypedDict, total=False):
    project: str


class HostWriteAssetsSaid(AssetsBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool


class HostPacketsSaid(TypedDict, total=False):
    host: str | None
    incident: str | None
    limit: int
    cursor: str | None
    project: str


class HostKeepSaid(PacketsBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool


class HostPacketSaid(TypedDict, total=False):
    project: str


class HostPlaybooksSaid(TypedDict, total=False):
    project: str


class HostReadingsSaid(TypedDict, total=False):
    project: str


class HostListActsSaid(TypedDict, total=False):
    limit: int
    cursor: str | None
    project: str


class HostAskActSaid(RemediationBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool


class HostShowActSaid(TypedDict, total=False):
    project: str


class HostReceiveSaid(TypedDict, total=False):
    project: str


_INCIDENTS = Operation("GET", "/api/host/incidents", ("host", "unresolved", "limit", "cursor"))

_SHOW_ASSETS = Operation("GET", "/api/host/incidents/{incident_id}/assets")

_WRITE_ASSETS = Operation("POST", "/api/host/incidents/{incident_id}/assets", (), takes_key=True)

_PACKETS = Operation("GET", "/api/host/packets", ("host", "incident", "limit", "cursor"))

_KEEP = Operation("POST", "/api/host/packets", (), takes_key=True)

_PACKET = Operation("GET", "/api/host/packets/{packet_id}")

_PLAYBOOKS = Operation("GET", "/api/host/playbooks")

_READINGS = Operation("GET", "/api/host/readings")

_LIST_ACTS = Operation("GET", "/api/host/remediations", ("limit", "cursor"))

_ASK_ACT = Operation("POST", "/api/host/remediations", (), takes_key=True)

_SHOW_ACT = Operation("GET", "/api/host/remediations/{remediation_id}")

_RECEIVE = Operation("POST", "/api/webhooks/alertmanager")


class HostGroup(Group):
    """The host guard: what a machine carries, and what alerts say of it."""

    def incidents(self, **said: Unpack[HostIncidentsSaid]) -> HostIncidentsAnswer:
        """List the incidents of hosts, the newest first."""
        return cast("HostIncidentsAnswer", self._connection.json(_INCIDENTS, {}, said))

    def iterate_incidents(self, **said: Unpack[HostIncidentsSaid]) -> Iterator[HostIncident]:
        """Go through all of them, page by page."""
        return self._connection.pages(_INCIDENTS, {}, said, "incidents")

    def show_assets(self, incident_id: str, **said: Unpack[HostShowAssetsSaid]) -> HostShowAssetsAnswer:
        """Give the five assets of a host incident."""
        return cast(
            "HostShowAssetsAnswer", self._connection.json(_SHOW_ASSETS, {"incident_id": incident_id}, said)
        )

    def write_assets(self, incident_id: str, **said: Unpack[HostWriteAssetsSaid]) -> HostWriteAssetsAnswer:
        """Write the five assets of a host incident for which no process was ended."""
        return cast(
            "HostWriteAssetsAnswer", self._connection.json(_WRITE_ASSETS, {"incident_id": incident_id}, said)
        )

    def packets(self, **said: Unpack[HostPacketsSaid]) -> HostPacketsAnswer:
        """List event packets without their bodies, the newest first."""
        return cast("HostPacketsAnswer", self._connection.json(_PACKETS, {}, said))

    def iterate_packets(self, **said: Unpack[HostPacketsSaid]) -> Iterator[HostPacket]:
        """Go through all of them, page by page."""
        return self._connection.pages(_PACKETS, {}, said, "packets")

    def keep(self, **said: Unpack[HostKeepSaid]) -> HostKeepAnswer:
        """Keep event packets of a host."""
        return cast("HostKeepAnswer", self._connection.json(_KEEP, {}, said))

    def packet(self, packet_id: str, **said: Unpack[HostPacketSaid]) -> HostPacketAnswer:
        """Give one event packet with its card."""
        return cast("HostPacketAnswer", self._connection.json(_PACKET, {"packet_id": packet_id}, said))

    def playbooks(self, **said: Unpack[HostPlaybooksSaid]) -> HostPlaybooksAnswer:
        """Say how far each playbook is trusted, by what its acts came to."""
        return cast("HostPlaybooksAnswer", self._connection.json(_PLAYBOOKS, {}, said))

    def readings(self, **said: Unpack[HostReadingsSaid]) -> HostReadingsAnswer:
        """Give what the last scan of each host came to, how old that is."""
        return cast("HostReadingsAnswer", self._connection.json(_READINGS, {}, said))

    def list_acts(self, **said: Unpack[HostListActsSaid]) -> HostListActsAnswer:
        """List what the host guard was asked to do."""
        return cast("HostListActsAnswer", self._connection.json(_LIST_ACTS, {}, said))

    def iterate_list_acts(self, **said: Unpack[HostListActsSaid]) -> Iterator[HostRemediation]:
        """Go through all of them, page by page."""
        return self._connection.pages(_LIST_ACTS, {}, said, "remediations")

    def ask_act(self, **said: Unpack[HostAskActSaid]) -> HostAskActAnswer:
        """Plan to ask a proven orphan to end."""
        return cast("HostAskActAnswer", self._connection.json(_ASK_ACT, {}, said))

    def show_act(self, remediation_id: str, **said: Unpack[HostShowActSaid]) -> HostShowActAnswer:
        """Give one act with every gate, met or not, what came of each target, the looks after it."""
        return cast(
            "HostShowActAnswer", self._connection.json(_SHOW_ACT, {"remediation_id": remediation_id}, said)
        )

    def receive(self, body: dict[str, Any], **said: Unpack[HostReceiveSaid]) -> HostReceiveAnswer:
        """Take a delivery of Alertmanager's (version 4)."""
        return cast("HostReceiveAnswer", self._connection.json(_RECEIVE, {}, said, body))
