"""Which rule explains which: a symptom is attached to its cause, and people are told of the cause alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from watchkeeper.domain.principals import SYSTEM_PROJECT
from watchkeeper.domain.rules.names import RuleName


class Shared(StrEnum):
    """What a cause and its symptom have in common, from the widest to the narrowest."""

    INSTALLATION = "installation"
    KIND = "kind"
    WORKER = "worker"
    JOB = "job"


_N = RuleName

PROVEN = frozenset(
    {
        _N.WATCHDOG_BLIND,
        _N.SECRET_EXPOSED,
        _N.HIDDEN_FAILURE,
        _N.MULTIPLE_PRIMARY_JOBS,
        _N.JOB_NOT_FOUND_AFTER_CLAIM,
        _N.ARTIFACT_LOST,
        _N.HOST_ORPHAN_BROWSER,
        _N.HOST_CI_SATURATION,
        _N.HOST_MONITOR_MISSING,
        _N.HOST_MONITOR_STALE,
    }
)
"""Rules whose evidence stands by itself: no blindness explains it away."""

EXPLAINS: dict[Shared, dict[RuleName, frozenset[RuleName]]] = {
    Shared.INSTALLATION: {_N.WATCHDOG_BLIND: frozenset(set(RuleName) - PROVEN)},
    Shared.KIND: {_N.MISSING_WORKER_KIND: frozenset({_N.QUEUE_STUCK})},
    Shared.WORKER: {
        _N.FETCH_FAILED: frozenset(
            {_N.DOCTOR_FAILED, _N.TOUCH_FAILED, _N.CLAIM_NO_OUTPUT, _N.CLAIM_LOOP_IDLE}
        ),
        _N.DOCTOR_FAILED: frozenset({_N.TOUCH_FAILED, _N.CLAIM_NO_OUTPUT, _N.CLAIM_LOOP_IDLE}),
        _N.TOUCH_FAILED: frozenset({_N.CLAIM_NO_OUTPUT, _N.CLAIM_LOOP_IDLE}),
        _N.CLAIM_NO_OUTPUT: frozenset({_N.CLAIM_LOOP_IDLE}),
        _N.MULTIPLE_PRIMARY_JOBS: frozenset({_N.CLAIM_LOOP_IDLE, _N.SILENT_LOOP}),
        _N.COMPLETE_REJECTED: frozenset({_N.SILENT_LOOP}),
        _N.ARTIFACT_GATE_FAILED: frozenset({_N.SILENT_LOOP}),
        _N.TOOL_LOOP: frozenset({_N.SILENT_LOOP}),
    },
    Shared.JOB: {
        _N.FETCH_FAILED: frozenset(
            {_N.LEASE_NEAR_EXPIRY, _N.LEASE_EXPIRED, _N.QUEUE_STUCK, _N.ARTIFACT_MISSING}
        ),
        _N.JOB_NOT_FOUND_AFTER_CLAIM: frozenset(
            {
                _N.LEASE_NEAR_EXPIRY,
                _N.LEASE_EXPIRED,
                _N.QUEUE_STUCK,
                _N.ARTIFACT_MISSING,
                _N.COMPLETE_REJECTED,
            }
        ),
        _N.TOOL_LOOP: frozenset({_N.SESSION_STALLED, _N.ARTIFACT_MISSING}),
        _N.TOKEN_BUDGET_EXCEEDED: frozenset({_N.SESSION_STALLED, _N.ARTIFACT_MISSING}),
        _N.SESSION_STALLED: frozenset(
            {_N.LEASE_NEAR_EXPIRY, _N.LEASE_EXPIRED, _N.QUEUE_STUCK, _N.ARTIFACT_MISSING}
        ),
        _N.LEASE_EXPIRED: frozenset({_N.LEASE_NEAR_EXPIRY, _N.QUEUE_STUCK, _N.ARTIFACT_MISSING}),
        _N.MISSING_DELIVERABLE_ID: frozenset({_N.ARTIFACT_MISSING}),
        _N.ARTIFACT_GATE_FAILED: frozenset({_N.ARTIFACT_MISSING}),
        _N.COMPLETE_REJECTED: frozenset({_N.ARTIFACT_MISSING}),
        _N.CRASH_LOOP: frozenset({_N.SESSION_STALLED, _N.ARTIFACT_MISSING}),
    },
}
"""A test holds this free of circles, so that each chain of symptoms ends at a cause that people are told of."""


@dataclass(frozen=True, slots=True)
class Subject:
    """An unresolved incident as far as causes go."""

    id: UUID
    project_id: str
    rule: RuleName
    opened_at: datetime
    job_id: UUID | None = None
    worker_id: str | None = None
    kind: str | None = None

    def place(self, what: Shared) -> tuple[str, object] | None:
        """Give what two incidents have alike that share `what`; None where this one has no such thing."""
        part: object = {
            Shared.INSTALLATION: "all",
            Shared.KIND: self.kind,
            Shared.WORKER: self.worker_id,
            Shared.JOB: self.job_id,
        }[what]
        return None if part is None else (what if what is Shared.INSTALLATION else self.project_id, part)


def causes_of(incidents: Iterable[Subject]) -> dict[UUID, UUID]:
    """Give, of incidents that others of them explain, the id of what explains each: the widest, then the oldest."""
    found: dict[UUID, UUID] = {}
    by_age = sorted(incidents, key=lambda each: (each.opened_at, each.id.int))
    for what, table in EXPLAINS.items():
        together: dict[tuple[str, object], list[Subject]] = defaultdict(list)
        for each in by_age:
            if (place := each.place(what)) is not None:
                together[place].append(each)
        for group in together.values():
            causes = [each for each in group if each.rule in table and _is_wide_enough(each, what)]
            for symptom in group:
                cause = next((each for each in causes if symptom.rule in table[each.rule]), None)
                if cause is not None:
                    found.setdefault(symptom.id, cause.id)
    return found


def _is_wide_enough(cause: Subject, what: Shared) -> bool:
    return what is not Shared.INSTALLATION or cause.project_id == SYSTEM_PROJECT
