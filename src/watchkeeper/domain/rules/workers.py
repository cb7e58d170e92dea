"""Rules about contract workers over their heartbeats: failing checks, empty rounds, rounds that move nothing."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from watchkeeper.domain.facts import WorkerFact
from watchkeeper.domain.findings import Finding
from watchkeeper.domain.heartbeat_checks import CheckState, StepVerdict
from watchkeeper.domain.policies import Thresholds
from watchkeeper.domain.rules.judging import ALWAYS, Moment, RuleOf
from watchkeeper.domain.rules.names import RuleName


def doctor_failed(worker: WorkerFact, _limits: Thresholds) -> Moment | None:
    """Fire when the policy's checks fail on a worker's last doctor; what is not known of it is no failure.

    The doctor of a worker that was stopped says so: that is the stop's incident, and not another.
    """
    if worker.is_stopped or worker.doctor.state is not CheckState.FAIL:
        return None
    return _moment(worker, RuleName.DOCTOR_FAILED, "not_ok", **told_of(worker.doctor))


def touch_failed(worker: WorkerFact, _limits: Thresholds) -> Moment | None:
    """Fire when the policy's checks fail on a worker's last touch."""
    if worker.touch.state is not CheckState.FAIL:
        return None
    return _moment(worker, RuleName.TOUCH_FAILED, "not_ok", **told_of(worker.touch))


def claim_loop_idle(worker: WorkerFact, limits: Thresholds) -> Moment | None:
    """Fire when the last rounds all found no job. Rounds count, not polls; each is one heartbeat of a contract worker.

    What was settled for one backlog is not raised again while the same kinds, or none, wait.
    """
    last = worker.rounds[-limits.no_job_heartbeats :]
    if len(last) < limits.no_job_heartbeats or any(each.job_id is not None for each in last):
        return None
    if worker.told_backlog == worker.backlog:
        return None
    cause = "backlog_waits" if worker.backlog else "backlog_empty"
    return _moment(worker, RuleName.CLAIM_LOOP_IDLE, cause, backlog=worker.backlog)


def silent_loop(worker: WorkerFact, limits: Thresholds) -> Moment | None:
    """Fire when a worker whose checks pass brought nothing verified: so many jobs in a row, or one job for so long.

    A job in hand counts by the heartbeats in which it showed nothing; rounds without a job are `claim_loop_idle`'s. The
    evidence is the round that made it so many: a heartbeat that brings nothing else says nothing new.
    """
    if not worker.doctor.state is worker.touch.state is CheckState.PASS:
        return None
    most = limits.silent_heartbeats
    ended = {each.job_id: each for each in worker.rounds if each.job_id is not None and each.is_over}
    vain = list(ended.values())[-most:]
    silent = [each for each in worker.rounds if each.is_silent][:most]
    for rounds, cause in ((vain, "no_artifact"), (silent, "silent_in_hand")):
        if len(rounds) == most and not any(each.advanced for each in rounds):
            jobs = list(dict.fromkeys(str(each.job_id) for each in rounds))
            return _moment(worker, RuleName.SILENT_LOOP, cause, rounds[-1].id, jobs=jobs)
    return None


def several_jobs_held(worker: WorkerFact, _limits: Thresholds) -> Moment | None:
    """Fire when a contract worker holds more than one job."""
    if len(worker.held) < 2:
        return None
    return _moment(
        worker, RuleName.MULTIPLE_PRIMARY_JOBS, "several_held", jobs=[str(job) for job in worker.held]
    )


WORKER_RULES: tuple[RuleOf[WorkerFact], ...] = (
    doctor_failed,
    touch_failed,
    claim_loop_idle,
    silent_loop,
    several_jobs_held,
)


def told_of(verdict: StepVerdict) -> dict[str, Any]:
    """Give what failed of a step as evidence. What an answer showed, another answer ends, and no mere word."""
    return {"checks": verdict.failed, "answered": verdict.is_answered}


def _moment(
    worker: WorkerFact, rule: RuleName, cause: str, heartbeat: UUID | None = None, **told: Any
) -> Moment:
    beat = heartbeat or worker.last_heartbeat
    finding = Finding(
        worker.project_id,
        rule,
        ("worker", worker.worker_id),
        ALWAYS,
        cause,
        evidence={
            **told,
            "rounds": [
                {
                    "heartbeat": str(each.id),
                    "at": each.at.isoformat(),
                    "job": each.job_id and str(each.job_id),
                }
                for each in worker.rounds[-5:]
            ],
        },
        evidence_ref=None if beat is None else f"worker_heartbeat:{beat}",
        job_id=worker.held[0] if rule is RuleName.MULTIPLE_PRIMARY_JOBS else None,
        worker_id=worker.worker_id,
        is_mirrored=worker.is_mirrored,
    )
    return Moment(ALWAYS, finding)
