"""Rules about jobs that wait: somebody could take them and does not, or nobody is there who could."""

from __future__ import annotations

from datetime import datetime, timedelta

from watchkeeper.domain.facts import QueueFact, Wait
from watchkeeper.domain.findings import Finding
from watchkeeper.domain.policies import Thresholds
from watchkeeper.domain.rules.judging import Moment, RuleOf
from watchkeeper.domain.rules.names import RuleName


def queue_stuck(queue: QueueFact, limits: Thresholds) -> Moment | None:
    """Fire when a job was due for long beside somebody who is free for it, and nothing of its kind was claimed."""
    if queue.wait is not Wait.MOVABLE or not queue.was_asked:
        return None
    at = queue.since + timedelta(seconds=limits.queue_stuck_seconds)
    return Moment(at, _finding(queue, RuleName.QUEUE_STUCK, at, "nothing_claimed"))


def missing_worker_kind(queue: QueueFact, limits: Thresholds) -> Moment | None:
    """Fire when jobs are due and no live worker may do them; a worker that restarts has a moment to come back."""
    if queue.wait is not Wait.UNSERVED:
        return None
    at = queue.since + timedelta(seconds=limits.missing_worker_seconds)
    cause = "no_worker"
    if queue.stopped_workers or queue.draining_workers:
        cause = "workers_stopped" if queue.stopped_workers else "workers_draining"
    return Moment(at, _finding(queue, RuleName.MISSING_WORKER_KIND, at, cause))


QUEUE_RULES: tuple[RuleOf[QueueFact], ...] = (queue_stuck, missing_worker_kind)


def _finding(queue: QueueFact, rule: RuleName, at: datetime, cause: str) -> Finding:
    is_mirrored = queue.origin != "own"
    return Finding(
        queue.project_id,
        rule,
        ("kind", queue.kind, queue.origin) if is_mirrored else ("kind", queue.kind),
        at,
        cause,
        evidence={
            "kind": queue.kind,
            "origin": queue.origin,
            "waiting_since": queue.since.isoformat(),
            "next_job": queue.head_job_id and str(queue.head_job_id),
            "free_workers": queue.free_workers,
            "stopped_workers": queue.stopped_workers,
            "draining_workers": queue.draining_workers,
        },
        kind=queue.kind,
        is_mirrored=is_mirrored,
    )
