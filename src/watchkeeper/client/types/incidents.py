"""Types: What the watchdog found, or somebody reported.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, NotRequired, TypedDict


class AckBody(TypedDict):
    reason: str
    seconds: NotRequired[float | None]
    until: NotRequired[datetime | str | None]


class Incident(TypedDict):
    cause: NotRequired[str | None]
    due_at: NotRequired[str | None]
    id: NotRequired[str | None]
    next_action: NotRequired[str | None]
    occurrences: NotRequired[int | None]
    opened_at: NotRequired[str | None]
    owner: NotRequired[str | None]
    rule: NotRequired[str | None]
    severity: NotRequired[str | None]
    state: NotRequired[str | None]


class IncidentBody(TypedDict):
    """What somebody outside saw."""

    about: NotRequired[str | None]
    cause: NotRequired[str]
    evidence: NotRequired[dict[str, Any]]
    evidence_ref: NotRequired[str | None]
    job: NotRequired[str | None]
    kind: NotRequired[str | None]
    rule: RuleName
    worker_id: NotRequired[str | None]


IncidentState = Literal[
    "open", "acknowledged", "repairing", "verifying", "resolved", "escalated", "needs_human"
]


class IncidentsExportAnswer(TypedDict):
    document: dict[str, Any]
    markdown: str
    ok: bool


class IncidentsListAnswer(TypedDict):
    incidents: list[Incident]
    next_cursor: Any
    ok: bool


class IncidentsReportAnswer(TypedDict):
    incident: Incident
    ok: bool


class IncidentsShowAnswer(TypedDict):
    incident: Incident
    ok: bool


class IncidentsStory(TypedDict):
    actor: NotRequired[str | None]
    at: NotRequired[str | None]
    event: NotRequired[str | None]
    said: NotRequired[Any]
    what: NotRequired[str | None]


class IncidentsStoryAnswer(TypedDict):
    ok: bool
    story: list[IncidentsStory]


class QuietBody(TypedDict):
    """With neither `until` nor `seconds` an earlier silence ends."""

    reason: str
    seconds: NotRequired[float | None]
    until: NotRequired[datetime | str | None]


RuleName = Literal[
    "lease_near_expiry",
    "lease_expired",
    "queue_stuck",
    "claim_no_output",
    "fetch_failed",
    "claim_loop_idle",
    "missing_worker_kind",
    "artifact_gate_failed",
    "artifact_missing",
    "complete_rejected",
    "job_not_found_after_claim",
    "missing_deliverable_id",
    "silent_loop",
    "doctor_failed",
    "touch_failed",
    "multiple_primary_jobs",
    "secret_exposed",
    "hidden_failure",
    "session_stalled",
    "tool_loop",
    "token_budget_exceeded",
    "session_orphaned",
    "crash_loop",
    "artifact_lost",
    "watchdog_blind",
    "host_orphan_browser",
    "host_ci_saturation",
    "host_monitor_missing",
    "host_monitor_stale",
]


Severity = Literal["info", "low", "medium", "high", "critical"]
