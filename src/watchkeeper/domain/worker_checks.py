"""How a worker fares, command by command: the newest word on each, its weight, and what to do next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from watchkeeper.domain.diagnosis import OpenIncident, worst
from watchkeeper.domain.heartbeat_checks import DEFAULT_CHECKS, HeartbeatCheck
from watchkeeper.domain.rules.names import NextAction, Severity

LEASE_SEVERITY = Severity.HIGH
"""How grave a lease in trouble is; of the other checks the policy says it."""

NEXT: dict[str, NextAction] = {
    "complete": NextAction.RETRY_COMPLETE,
    "artifact": NextAction.REPAIR_CONTRACT,
    "lease": NextAction.RETOUCH,
    "doctor": NextAction.RETOUCH,
    "touch": NextAction.RETOUCH,
    "context": NextAction.RETOUCH,
    "progress": NextAction.RETOUCH,
    "claim": NextAction.INSPECT_QUEUE,
}
"""What to do next where a check fails and no incident says better; the first that fails counts."""

OF_PHASES: dict[str, str] = {
    "doctor": "doctor",
    "touch": "touch",
    "claim": "claim",
    "context": "context",
    "reading_context": "context",
    "progress": "progress",
    "building_artifact": "progress",
    "build": "progress",
    "upload": "artifact",
    "upload-files": "artifact",
    "verify": "artifact",
    "complete": "complete",
}
"""Which check a phase or a command speaks of; others speak of progress."""

OF_THE_JOB = frozenset({"context", "progress", "artifact", "complete"})
"""Checks of the job at hand: what was heard of an earlier one says nothing of them."""

LEASE_TROUBLE = frozenset({"near_expiry", "expired", "stale"})


@dataclass(frozen=True, slots=True)
class Heard:
    """One word on one check; `ok` None where its answer does not tell what the check asks for."""

    check: str
    at: datetime
    ok: bool | None


@dataclass(frozen=True, slots=True)
class LeaseRisk:
    level: str
    at: datetime


def check_of(phase: str) -> str:
    """Say which check a phase or command speaks of."""
    return OF_PHASES.get(phase, "progress")


def checks(
    heard: Iterable[Heard], lease: LeaseRisk | None, asked: Iterable[HeartbeatCheck] = DEFAULT_CHECKS
) -> dict[str, dict[str, Any]]:
    """Give each check's state (ok, failed, unknown; the lease's risk, or none), its time and its severity."""
    newest: dict[str, Heard] = {}
    for one in heard:
        known = newest.get(one.check)
        if known is None or one.at >= known.at:
            newest[one.check] = one
    grave_as = {check.name: check.severity for check in asked}
    found = {name: _check(severity, newest.get(name)) for name, severity in grave_as.items()}
    risk = lease.level if lease else "none"
    grave = LEASE_SEVERITY if risk in LEASE_TROUBLE else Severity.INFO
    return {**found, "lease": {"state": risk, "at": lease.at if lease else None, "severity": grave}}


def next_action(found: dict[str, dict[str, Any]], incidents: Sequence[OpenIncident]) -> NextAction:
    """Say what to do next: as the gravest incident asks, else as the first check asks that fails."""
    if (incident := worst(incidents)) is not None:
        return incident.asks_for
    for name, action in NEXT.items():
        if found[name]["state"] == "failed" or found[name]["state"] in LEASE_TROUBLE:
            return action
    return (
        NextAction.INSPECT_QUEUE
        if any(one["state"] == "failed" for one in found.values())
        else NextAction.NONE
    )


def _check(severity: Severity, heard: Heard | None) -> dict[str, Any]:
    if heard is None or heard.ok is None:
        return {"state": "unknown", "at": heard and heard.at, "severity": Severity.INFO}
    state = "ok" if heard.ok else "failed"
    return {"state": state, "at": heard.at, "severity": Severity.INFO if heard.ok else severity}
