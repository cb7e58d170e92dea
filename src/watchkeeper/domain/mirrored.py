"""Jobs of a foreign queue: what a report of an attempt says, and what follows from it. Pure; times come in with it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.jobs import AttemptCause, JobState, StateReason
from watchkeeper.domain.suggestions import shown

HELPER = "helper"
"""The origin of jobs whose report names none: those that were seen through a foreign helper."""

UNKNOWN_KIND = "unknown"
"""The kind of a job until a report names it."""

_ORIGIN = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")


class LeaseAction(StrEnum):
    """What a supervisor may do to a reported lease."""

    RELEASE = "release"
    RECLAIM = "reclaim"
    MARK_STALE = "mark_stale"


@dataclass(frozen=True, slots=True)
class AttemptReport:
    """What somebody outside says of one attempt at one job; `job` is our id or the foreign one.

    `lease_expires_at` is the foreign queue's word. `complete_status` is the worker's: `completed`, `failed`,
    `released`, `cancelled` and `stuck` mean something here, every other word is only kept. `redacted`: kinds of
    secrets that were taken out of the error message before. `report_id` names this report, which may arrive again,
    and no attempt.
    """

    job: str
    worker_id: str | None = None
    origin: str = HELPER
    kind: str | None = None
    attempt_id: str | None = None
    phase: str | None = None
    lease_expires_at: datetime | None = None
    last_heartbeat_at: datetime | None = None
    primary_artifact_ref: str | None = None
    complete_status: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    reported_at: datetime | None = None
    redacted: Sequence[str] = ()
    report_id: str | None = None


@dataclass(frozen=True, slots=True)
class LiveAttempt:
    """The attempt that a mirrored job was last seen in."""

    worker_id: str
    attempt_id: str | None
    phase: str | None


@dataclass(frozen=True, slots=True)
class ReportedEnd:
    """Where a job goes by a report: `outcome` None leaves the attempt open (a stuck job's lease may still live)."""

    state: JobState
    outcome: str | None
    cause: AttemptCause | None = None
    state_reason: StateReason | None = None


SUCCESS_WORDS = frozenset({"completed", "complete", "ok", "success", "succeeded", "done"})
_FAILING_PHASES = frozenset({"fail", "failed"})


def checked_origin(given: str) -> str:
    """Give the name of a foreign queue as it is; raise UsageError where it is not one."""
    if not _ORIGIN.fullmatch(given) or given == "own":
        raise UsageError(
            f"'origin' is 1 to 63 small letters, digits and _ . - after a letter or digit, not 'own': {shown(given)}"
        )
    return given


def begins_anew(live: LiveAttempt | None, report: AttemptReport) -> bool:
    """Say whether a report tells of another attempt than the one that is known to live."""
    if report.worker_id is None:
        return False
    if live is None or report.worker_id != live.worker_id:
        return True
    if report.attempt_id and live.attempt_id:
        return report.attempt_id != live.attempt_id
    if report.report_id and report.report_id == live.attempt_id:
        return False
    return report.phase == "claim" and live.phase not in (None, "claim")


def reported_end(report: AttemptReport, *, complete_failed: bool) -> ReportedEnd | None:
    """Say what a report ends, if anything. `complete_failed`: the last `complete` that was seen of it failed.

    Success is believed only where nothing that was seen speaks against it: else the job is stuck, for a person.
    """
    status = (report.complete_status or "").strip().lower()
    if status in SUCCESS_WORDS:
        if complete_failed or report.error_code:
            rejected = report.error_code == "contract_rejected"
            why = StateReason.CONTRACT_REJECTED if rejected else StateReason.COMMAND_FAILED_TWICE
            return ReportedEnd(JobState.STUCK, None, None, why)
        return ReportedEnd(JobState.COMPLETED, "completed")
    if status == "failed" and report.phase in _FAILING_PHASES:
        return ReportedEnd(JobState.FAILED, "failed", AttemptCause.AGENT_ERROR, StateReason.ATTEMPTS_USED_UP)
    match status:
        case "released":
            return ReportedEnd(JobState.PENDING, "released", AttemptCause.OPERATOR)
        case "cancelled":
            return ReportedEnd(JobState.CANCELLED, "cancelled", AttemptCause.OPERATOR, StateReason.OPERATOR)
        case "stuck":
            known = {reason.value: reason for reason in StateReason}
            why = known.get(report.error_code or "", StateReason.COMMAND_FAILED_TWICE)
            return ReportedEnd(JobState.STUCK, None, None, why)
    return None


def decided_end(action: LeaseAction) -> ReportedEnd:
    """Say where a job goes by a supervisor's word."""
    match action:
        case LeaseAction.RELEASE:
            return ReportedEnd(JobState.PENDING, "released", AttemptCause.OPERATOR)
        case LeaseAction.RECLAIM:
            return ReportedEnd(JobState.PENDING, "lost", AttemptCause.LEASE_LOST)
        case LeaseAction.MARK_STALE:
            return ReportedEnd(JobState.STUCK, None, None, StateReason.AGENT_STALLED)
