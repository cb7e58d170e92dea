"""What goes wrong between a session and its job: failed calls (F05), lost leases (F10), doubles (F11), no job (F18)."""

from __future__ import annotations

from watchkeeper.domain.sessions.course import Course, Rung
from watchkeeper.domain.sessions.diagnosis import Action, FailureClass
from watchkeeper.domain.sessions.endings import ended_while_well
from watchkeeper.domain.sessions.events import Trouble
from watchkeeper.domain.sessions.limits import SessionLimits
from watchkeeper.domain.sessions.provider import failed_trouble
from watchkeeper.domain.sessions.record import SessionRecord

BEFORE_CLAIM = frozenset({"doctor", "touch", "claim"})


def control_plane_failed(record: SessionRecord, limits: SessionLimits) -> Course | None:
    """F05: a contract command did not come through, and no repetition of it did within a tick."""
    broken = record.contract.broken
    if not broken and failed_trouble(record) is Trouble.TOOLS_MISSING and record.terminal is not None:
        broken = {"mcp": record.terminal[0]}
    if not broken:
        return _undelivered(record, limits)
    since = min(broken.values())
    codes = {name: call.error_code for name, (_, call) in record.contract.last.items() if not call.ok}
    return Course(
        FailureClass.CONTROL_PLANE_FAILED,
        (Rung(since, Action.NONE), Rung(since + limits.settle_seconds, Action.RETRY)),
        "A command of the contract does not come through.",
        {"commands": sorted(broken), "codes": codes},
        is_verdict=True,
    )


def _undelivered(record: SessionRecord, limits: SessionLimits) -> Course | None:
    """What waits in the outbox is delivered by itself; for how long it waits is worth a look."""
    since = record.contract.queued_at
    if since is None:
        return None
    return Course(
        FailureClass.CONTROL_PLANE_FAILED,
        (Rung(since, Action.NONE), Rung(since + limits.retries_act_seconds, Action.RETRY)),
        "The end of the job waits to be delivered.",
        {"queued_at": since},
    )


def lease_lost(record: SessionRecord, limits: SessionLimits) -> Course | None:
    """F10: the lease ran out; once somebody else holds the job, what was made goes to a person to reconcile."""
    lease = record.lease
    refused = record.contract.refused("stale_lease", "lease_lost", "lease_expired", "not_current")
    lost = [at for at in (lease.taken_at, refused[0] if refused else None) if at is not None]
    evidence = {"expired_at": lease.expired_at, "taken_over_at": lease.taken_at, "refused": bool(refused)}
    is_late = bool(lost) and record.exited is not None and min(lost) >= record.exited[0]
    if is_late and ended_while_well(record, limits):
        # It was ended first, and lost its lease because of that.
        return None
    if lost:
        because = "The lease was lost while the session worked; what it made must not be thrown away."
        return Course(FailureClass.LEASE_LOST, (Rung(min(lost), Action.RECONCILE),), because, evidence)
    if lease.expired_at is None or record.is_over:
        return None
    because = "The lease ran out; until somebody reaps it a renewal still counts."
    late = (Rung(lease.expired_at, Action.NONE), Rung(lease.expired_at + limits.settle_seconds, Action.TOUCH))
    return Course(FailureClass.LEASE_LOST, late, because, evidence)


def duplicate_work(record: SessionRecord, _limits: SessionLimits) -> Course | None:
    """F11: two runs at one job overlap."""
    refused = record.contract.refused("multiple_primary_jobs")
    taken = record.terminal if failed_trouble(record) is Trouble.SESSION_TAKEN else None
    signs = {
        "lease": record.lease.doubled_at,
        "process": record.doubled_at,
        "claim": refused[0] if refused else None,
        "thread": taken[0] if taken else None,
    }
    found = {name: at for name, at in signs.items() if at is not None}
    if not found:
        return None
    because = "Two runs work at one job."
    return Course(
        FailureClass.DUPLICATE_WORK, (Rung(min(found.values()), Action.HOLD),), because, dict(found)
    )


def target_invalid(record: SessionRecord, _limits: SessionLimits) -> Course | None:
    """F18: the job that was given out is not to be found."""
    refused = record.contract.refused("job_not_found", "not_found", "unknown_job")
    if refused is None or refused[1].command in BEFORE_CLAIM:
        return None
    at, call = refused
    because = "The server knows nothing of the job that it gave out."
    return Course(
        FailureClass.TARGET_INVALID, (Rung(at, Action.ESCALATE),), because, {"command": call.command}
    )
