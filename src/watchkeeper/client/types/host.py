"""Types: The host guard: what a machine carries, and what alerts say of it.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict


class AssetsBody(TypedDict):
    """What a person says of an incident for which no process was ended."""

    evidence_refs: NotRequired[list[str]]
    owner_followup: str
    reason: str
    review_days: NotRequired[float]
    root_cause: str
    service_health: str


class HostAskActAnswer(TypedDict):
    ok: bool
    remediation: HostRemediation


class HostAsset(TypedDict):
    asset: NotRequired[str | None]
    fields: NotRequired[dict[str, Any] | None]
    written_at: NotRequired[str | None]
    written_by: NotRequired[str | None]


class HostIncident(TypedDict):
    assets_written_at: NotRequired[Any]
    fired_at: NotRequired[str | None]
    host_id: NotRequired[str | None]
    id: NotRequired[str | None]
    is_firing: NotRequired[bool | None]
    lane: NotRequired[str | None]
    opened: NotRequired[bool | None]
    owner: NotRequired[str | None]
    packet_id: NotRequired[str | None]
    packet_wanted_at: NotRequired[Any]
    rule: NotRequired[str | None]
    severity: NotRequired[str | None]
    state: NotRequired[str | None]


class HostIncidentsAnswer(TypedDict):
    incidents: list[HostIncident]
    next_cursor: Any
    ok: bool


class HostKeepAnswer(TypedDict):
    kept: list[HostKept]
    ok: bool


class HostKept(TypedDict):
    id: NotRequired[str | None]
    incident_id: NotRequired[Any]


class HostListActsAnswer(TypedDict):
    next_cursor: Any
    ok: bool
    remediations: list[HostRemediation]


class HostPacket(TypedDict):
    action_policy: NotRequired[str | None]
    card: NotRequired[str | None]
    classification: NotRequired[str | None]
    generated_at: NotRequired[str | None]
    host_id: NotRequired[str | None]
    id: NotRequired[str | None]
    incident_id: NotRequired[str | None]
    lane: NotRequired[str | None]
    plan_digest: NotRequired[str | None]
    sha256: NotRequired[str | None]
    told_by: NotRequired[str | None]


class HostPacketAnswer(TypedDict):
    ok: bool
    packet: HostPacket


class HostPacketsAnswer(TypedDict):
    next_cursor: Any
    ok: bool
    packets: list[HostPacket]


class HostPlaybook(TypedDict):
    level: NotRequired[str | None]
    lower_bound: NotRequired[float | None]
    playbook: NotRequired[str | None]
    runs: NotRequired[int | None]
    verified: NotRequired[int | None]


class HostPlaybooksAnswer(TypedDict):
    ok: bool
    playbooks: list[HostPlaybook]


class HostReading(TypedDict):
    active_ci_containers: NotRequired[int | None]
    age_seconds: NotRequired[float | None]
    groups: NotRequired[list[Any] | None]
    host_id: NotRequired[str | None]
    is_stale: NotRequired[bool | None]
    load5_per_core: NotRequired[float | None]
    load5_upper: NotRequired[float | None]
    orphan_browser_groups: NotRequired[int | None]
    scanned_at: NotRequired[str | None]
    swap_used_ratio: NotRequired[Any]


class HostReadingsAnswer(TypedDict):
    ok: bool
    readings: list[HostReading]


class HostReceiveAnswer(TypedDict):
    incidents: list[HostIncident]
    new: int
    ok: bool
    problems: list[Any]
    received: int
    truncated: int


class HostRemediation(TypedDict):
    created_at: NotRequired[str | None]
    host: NotRequired[str | None]
    id: NotRequired[str | None]
    outcome: NotRequired[Any]
    plan_digest: NotRequired[str | None]
    playbook: NotRequired[str | None]
    state: NotRequired[str | None]


class HostShowActAnswer(TypedDict):
    ok: bool
    remediation: HostRemediation


class HostShowAssetsAnswer(TypedDict):
    assets: list[HostAsset]
    ok: bool


class HostWriteAssetsAnswer(TypedDict):
    assets: list[HostAsset]
    ok: bool


class PacketsBody(TypedDict):
    """What `watchkeeper host triage --json` prints."""

    names: NotRequired[list[str]]
    packets: list[dict[str, Any]]


class RemediationBody(TypedDict):
    """The packet is one of `watchkeeper host triage --json`."""

    evidence_ref: NotRequired[str | None]
    packet: dict[str, Any]
    reason: str
