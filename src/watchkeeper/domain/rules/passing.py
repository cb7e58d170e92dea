"""What closes an incident: for each rule, the facts that alone show its trouble over. No data is never a pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from watchkeeper.domain.heartbeat_checks import CheckState
from watchkeeper.domain.policies import Thresholds
from watchkeeper.domain.rules.names import RuleName
from watchkeeper.domain.rules.sight import GOOD_TICKS
from watchkeeper.domain.sessions.events import Trouble
from watchkeeper.domain.standings import JobStanding, Standing, Unresolved

ENDED_WELL = frozenset({"completed", "failed", "cancelled", "released"})
"""Ends that a holder or a person gave an attempt, with a word on why; a lost lease is none."""

TERMINAL = frozenset({"completed", "failed", "cancelled"})
GIVEN_UP = frozenset({"failed", "cancelled"})


@dataclass(frozen=True, slots=True)
class Case:
    """An incident beside how its subject stands now."""

    incident: Unresolved
    standing: Standing
    limits: Thresholds
    now: datetime


Evidence = dict[str, Any]
Passes = Callable[[Case], Evidence | None]


def pass_evidence(case: Case) -> Mapping[str, Any] | None:
    """Give what shows that an incident is over; None while nothing does, or where only a person may say so."""
    passes = PASSES.get(case.incident.rule)
    return None if passes is None else passes(case)


def _lease_renewed(case: Case) -> Evidence | None:
    job = case.standing.job
    if job is None:
        return None
    if job.ended_as in ENDED_WELL:
        return {"attempt_ended": job.ended_as}
    if job.state in TERMINAL:
        return {"state": job.state}
    return _healthy_lease(job, case)


def _healthy_lease(job: JobStanding, case: Case) -> Evidence | None:
    if job.state != "running" or job.lease_expires_at is None or job.lease_seconds is None:
        return None
    near = case.limits.near_expiry_seconds(
        job.lease_seconds, is_session=job.is_session, is_mirrored=job.is_mirrored
    )
    if job.lease_expires_at - case.now <= timedelta(seconds=near):
        return None
    return {
        "lease_expires_at": job.lease_expires_at.isoformat(),
        "renewed_at": job.renewed_at and job.renewed_at.isoformat(),
        "epoch": job.epoch,
    }


def _taken_back(case: Case) -> Evidence | None:
    job = case.standing.job
    if job is None:
        return None
    if job.state in TERMINAL | {"pending"}:
        return {"state": job.state}
    return _healthy_lease(job, case)


def _queue_moves(case: Case) -> Evidence | None:
    if (job := case.standing.job) is not None:
        if job.state != "running":
            return {"state": job.state}
        is_heard = job.renewed_at is not None and job.renewed_at > case.incident.opened_at
        return _healthy_lease(job, case) if is_heard else None
    kind = case.standing.kind
    if kind is None:
        return None
    if not kind.has_due:
        return {"due": 0}
    if case.incident.is_mirrored:
        moved = kind.foreign_since is not None and kind.foreign_since > case.incident.opened_at
        return {"moved_at": str(kind.foreign_since)} if moved else None
    if kind.claimed_at is not None and kind.claimed_at > case.incident.opened_at:
        return {"claimed_at": kind.claimed_at.isoformat()}
    return None


def _somebody_can(case: Case) -> Evidence | None:
    kind = case.standing.kind
    if kind is None:
        return None
    if kind.has_worker:
        return {"worker": "a live worker may do it"}
    if not kind.has_due:
        return {"due": 0}
    return {"paused": True} if kind.is_paused else None


def _command_answers(case: Case) -> Evidence | None:
    if case.standing.job is not None:
        if case.standing.job.answered is not None:
            return {"succeeded": case.standing.job.answered}
        return {"state": case.standing.job.state} if case.standing.job.state in TERMINAL else None
    worker = case.standing.worker
    return {"succeeded": worker.answered} if worker is not None and worker.answered is not None else None


def _claim_answers(case: Case) -> Evidence | None:
    worker = case.standing.worker
    return {"succeeded": worker.answered} if worker is not None and worker.answered is not None else None


def _check_passes(case: Case) -> Evidence | None:
    job = case.standing.job
    if job is None:
        return None
    if job.passed_check is not None:
        return {"passed_check": job.passed_check}
    return {"state": job.state} if job.state in GIVEN_UP else None


def _complete_accepted(case: Case) -> Evidence | None:
    job = case.standing.job
    if job is None:
        return None
    if job.answered is not None:
        return {"accepted": job.answered}
    return {"state": job.state} if job.state in TERMINAL else None


def _gap_written_down(case: Case) -> Evidence | None:
    written = case.standing.decision.written
    return None if written is None else {"written": written}


def _has_job_or_word(case: Case) -> Evidence | None:
    if case.standing.decision.decided is not None:
        return {"decided": case.standing.decision.decided}
    worker = case.standing.worker
    return {"heartbeat": worker.last_heartbeat} if worker is not None and worker.has_job else None


def _artifact_verified(case: Case) -> Evidence | None:
    worker = case.standing.worker
    if worker is None or worker.passed_check is None:
        return None
    return {"passed_check": worker.passed_check}


def _step_passes(case: Case) -> Evidence | None:
    """Pass by the checks alone: a step of which something is not known has not passed."""
    worker = case.standing.worker
    if case.incident.evidence.get("trouble") == Trouble.AUTH:
        # A doctor does not look at an agent's login: only a turn that went well shows that it is good again.
        return {"turn": worker.good_turn} if worker is not None and worker.good_turn is not None else None
    if worker is None or worker.checked.state is not CheckState.PASS:
        return None
    return {"passed": worker.checked_ref}


def _one_job_left(case: Case) -> Evidence | None:
    worker = case.standing.worker
    if worker is None or worker.held > 1 or worker.is_stopped:
        return None
    return {"held": worker.held, "stopped": False}


def _resumed(case: Case) -> Evidence | None:
    return {"resumed": True} if case.standing.job is not None and case.standing.job.is_resumed else None


def _session_goes_on(case: Case) -> Evidence | None:
    """A session that ended is stalled no more; its attempt's end has rules of its own."""
    session = case.standing.session
    if session is None:
        return None
    if session.is_over or session.is_left_behind:
        return {"ended": session.is_over, "left_behind": session.is_left_behind}
    if session.failure is not None:
        return None
    at = session.went_on or session.found_well
    return None if at is None else {"went_on_at": at.isoformat()}


def _none_left(case: Case) -> Evidence | None:
    session = case.standing.session
    return {"left": 0} if session is not None and session.left == 0 else None


def _restored(case: Case) -> Evidence | None:
    return {"restored": True} if case.standing.decision.is_restored else None


def _sees_again(case: Case) -> Evidence | None:
    """Nobody looks here while the watchdog is blind, so that whoever does has seen well often enough."""
    return {"good_ticks": GOOD_TICKS, "seen_at": case.now.isoformat()}


def _alert_is_over(case: Case) -> Evidence | None:
    host = case.standing.host
    if host is None or host.is_firing or host.over_at is None:
        return None
    return {"alert_over_at": host.over_at.isoformat()}


def _written_back(case: Case) -> Evidence | None:
    """An alert that ended by itself has taught nobody anything: its assets say what it was."""
    over = _alert_is_over(case)
    host = case.standing.host
    if over is None or host is None or host.assets_written_at is None:
        return None
    return over | {"assets_written_at": host.assets_written_at.isoformat()}


PASSES: dict[RuleName, Passes] = {
    RuleName.LEASE_NEAR_EXPIRY: _lease_renewed,
    RuleName.LEASE_EXPIRED: _taken_back,
    RuleName.QUEUE_STUCK: _queue_moves,
    RuleName.CLAIM_NO_OUTPUT: _claim_answers,
    RuleName.FETCH_FAILED: _command_answers,
    RuleName.CLAIM_LOOP_IDLE: _has_job_or_word,
    RuleName.MISSING_WORKER_KIND: _somebody_can,
    RuleName.ARTIFACT_GATE_FAILED: _check_passes,
    RuleName.ARTIFACT_MISSING: _check_passes,
    RuleName.COMPLETE_REJECTED: _complete_accepted,
    RuleName.MISSING_DELIVERABLE_ID: _gap_written_down,
    RuleName.SILENT_LOOP: _artifact_verified,
    RuleName.DOCTOR_FAILED: _step_passes,
    RuleName.TOUCH_FAILED: _step_passes,
    RuleName.MULTIPLE_PRIMARY_JOBS: _one_job_left,
    RuleName.SESSION_STALLED: _session_goes_on,
    RuleName.TOOL_LOOP: _session_goes_on,
    RuleName.SESSION_ORPHANED: _none_left,
    RuleName.CRASH_LOOP: _resumed,
    RuleName.ARTIFACT_LOST: _restored,
    RuleName.WATCHDOG_BLIND: _sees_again,
    RuleName.HOST_ORPHAN_BROWSER: _written_back,
    RuleName.HOST_CI_SATURATION: _written_back,
    RuleName.HOST_MONITOR_MISSING: _alert_is_over,
    RuleName.HOST_MONITOR_STALE: _alert_is_over,
}
