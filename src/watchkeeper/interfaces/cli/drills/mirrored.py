"""Drills on jobs of a foreign queue, as they are reported from outside."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from watchkeeper.domain.rules.names import RuleName
from watchkeeper.interfaces.cli.drills.stage import Stage

WORKER, JOB = "foreign-worker", "foreign-job"
LEASE_SECONDS = 30
"""Its last third begins while the drill waits, and is long enough for a word before its end."""


def _report(stage: Stage, seconds: float) -> None:
    """Report a heartbeat of a worker whose lease ends in so many seconds."""
    ends = datetime.now(UTC) + timedelta(seconds=seconds)
    stage.report(
        "health",
        {
            "worker_id": WORKER,
            "doctor_ok": True,
            "touch_ok": True,
            "claim_ok": True,
            "current_job_id": JOB,
            "lease_expires_at": ends.isoformat(),
        },
    )


def stale_lease(stage: Stage) -> None:
    """A foreign lease ended more than a minute ago: found, and a release waits for a supervisor's word."""
    _report(stage, -120)
    incident = stage.incident(RuleName.LEASE_EXPIRED, job=JOB)
    repair = stage.repair(incident)
    stage.demand(
        repair["state"] == "proposed" and repair["authority"] == "supervisor",
        "nothing of the foreign queue is touched without a person",
        {"state": repair["state"], "authority": repair["authority"]},
    )


def near_expiry(stage: Stage) -> None:
    """A foreign lease is about to end: told before it ends, and the runbook says what to decide."""
    _report(stage, LEASE_SECONDS)
    incident = stage.incident(RuleName.LEASE_NEAR_EXPIRY, begins_in=LEASE_SECONDS * 2 / 3, job=JOB)
    alert = stage.alert(incident)
    told, ends = alert["created_at"], incident["evidence"]["lease_expires_at"]
    in_time = datetime.fromisoformat(told) < datetime.fromisoformat(ends)
    stage.demand(in_time, "it is told before the lease ends", {"told_at": told, "lease_expires_at": ends})
    stage.demand(incident["next_action"] == "retouch", "it says to touch again", incident["next_action"])
    stage.show("its runbook says what to decide", incident["runbook"])
    stage.repair(incident)
