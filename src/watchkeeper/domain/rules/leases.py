"""Rules about live leases: near their end, past it, and jobs that run without a sign of life."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from watchkeeper.domain.facts import LeaseFact
from watchkeeper.domain.findings import Finding
from watchkeeper.domain.policies import Thresholds
from watchkeeper.domain.rules.judging import Moment, RuleOf
from watchkeeper.domain.rules.names import RuleName


def lease_near_expiry(lease: LeaseFact, limits: Thresholds) -> Moment | None:
    """Fire when less is left than 3 minutes, or than a third of a short lease, so that health is never near its end."""
    left = limits.near_expiry_seconds(
        lease.lease_seconds, is_session=lease.is_session, is_mirrored=lease.is_mirrored
    )
    at = max(lease.quiet_until, lease.expires_at - timedelta(seconds=left))
    return Moment(at, _finding(lease, RuleName.LEASE_NEAR_EXPIRY, at, "not_renewed"))


def lease_expired(lease: LeaseFact, limits: Thresholds) -> Moment | None:
    """Fire when nobody took the job back in time; a reaper may not do so before the quiet time is over either."""
    reapable = max(lease.quiet_until, lease.expires_at)
    at = reapable + timedelta(seconds=limits.lease_expired_grace_seconds)
    cause = "never_reported_ended" if lease.is_mirrored else "not_reaped"
    return Moment(at, _finding(lease, RuleName.LEASE_EXPIRED, at, cause))


def queue_stuck_running(lease: LeaseFact, limits: Thresholds) -> Moment | None:
    """Fire when a running job is not heard of for long, or is long past its lease."""
    unheard = lease.renewed_at + timedelta(seconds=limits.running_unrenewed_seconds)
    past = lease.expires_at + timedelta(seconds=limits.running_past_expiry_seconds)
    at = max(lease.quiet_until, min(unheard, past))
    cause = "running_unrenewed" if unheard <= past else "running_past_expiry"
    return Moment(at, _finding(lease, RuleName.QUEUE_STUCK, at, cause))


def artifact_overdue(lease: LeaseFact, _limits: Thresholds) -> Moment | None:
    """Fire when the kind's progress deadline passed and no artifact of the job was verified."""
    if lease.progress_due_at is None:
        return None
    at = max(lease.quiet_until, lease.progress_due_at)
    return Moment(at, _finding(lease, RuleName.ARTIFACT_MISSING, at, "progress_deadline_passed"))


def success_disbelieved(lease: LeaseFact, _limits: Thresholds) -> Moment | None:
    """Fire when an attempt is told as done though its last completion failed, so that it is open still."""
    if lease.told_success_at is None:
        return None
    finding = _finding(lease, RuleName.HIDDEN_FAILURE, lease.told_success_at, "success_told_after_a_failure")
    return Moment(lease.told_success_at, finding)


LEASE_RULES: tuple[RuleOf[LeaseFact], ...] = (
    lease_near_expiry,
    lease_expired,
    queue_stuck_running,
    artifact_overdue,
    success_disbelieved,
)


def _finding(lease: LeaseFact, rule: RuleName, at: datetime, cause: str) -> Finding:
    return Finding(
        lease.project_id,
        rule,
        ("job", str(lease.job_id)),
        at,
        cause,
        evidence=_evidence(lease),
        job_id=lease.job_id,
        worker_id=lease.worker_id,
        kind=lease.kind,
        is_mirrored=lease.is_mirrored,
    )


def _evidence(lease: LeaseFact) -> Mapping[str, Any]:
    return {
        "epoch": lease.epoch,
        "worker_id": lease.worker_id,
        "lease_seconds": lease.lease_seconds,
        "claimed_at": lease.claimed_at.isoformat(),
        "renewed_at": lease.renewed_at.isoformat(),
        "lease_expires_at": lease.expires_at.isoformat(),
    }
