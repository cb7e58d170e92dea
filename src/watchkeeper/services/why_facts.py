"""The facts that a `why` rests on, each with when it was so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from watchkeeper.storage.database import Row


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact: what it is about, what it says, since when, and more words where there are any."""

    fact: str
    value: Any
    at: datetime | None = None
    said: str | None = None

    def told(self, now: datetime) -> dict[str, Any]:
        """Give it with its age in seconds."""
        age = None if self.at is None else round((now - self.at).total_seconds(), 3)
        return {"fact": self.fact, "value": self.value, "said": self.said, "at": self.at, "age_s": age}


def of_job(job: Row, attempts: Iterable[Row], incidents: Iterable[Row]) -> list[Fact]:
    """Give what is known of a job: its state, its lease, its attempts, its open incidents."""
    detail = job["hold_detail"] if isinstance(job["hold_detail"], Mapping) else {}
    facts = [Fact("state", job["state"], job["state_since"], detail.get("reason") or job["summary"])]
    if job["state"] == "pending" and job["run_at"] is not None:
        facts.append(Fact("run_at", job["run_at"], job["run_at"]))
    if job["worker_id"] is not None:
        facts.append(Fact("worker", job["worker_id"], job["started_at"], job["phase"]))
    if job["lease_expires_at"] is not None:
        facts.append(Fact("lease_expires_at", job["lease_expires_at"], job["lease_expires_at"]))
    facts += [
        Fact(f"attempt {row['attempt']}", row["outcome"], row["ended_at"] or row["started_at"], _end_of(row))
        for row in list(attempts)[-5:]
    ]
    return facts + [_incident(row) for row in incidents]


def of_session(session: Mapping[str, Any]) -> list[Fact]:
    """Give what a job's newest session does: its last event, its class, and what is left of its clocks."""
    what = f"{session['agent']}, turn {session['turns']}, session {session['id']}"
    facts = [Fact("session", session["state"], session["started_at"], what)]
    if session["last_event"] is not None:
        facts.append(Fact("session_event", session["last_event"], session["last_event_at"]))
    if session["class"] is not None:
        held = session["diagnosis"] or {}
        facts.append(Fact("session_class", session["class"], session["diagnosed_at"], held.get("because")))
    return facts + [
        Fact(
            f"session_clock {clock['clock']}",
            round(clock["act_left_s"], 1),
            None,
            "seconds until it is acted on",
        )
        for clock in session["clocks"]
        if clock["act_left_s"] is not None
    ]


def of_kind(workers: Iterable[Row]) -> list[Fact]:
    """Give the workers that take a kind, and what keeps each from claiming."""
    return [
        Fact(
            f"worker {row['worker_id']}",
            row["standing"],
            row["last_seen_at"],
            row["parked_because"] if row["standing"] == "parked" else row["stop_reason"],
        )
        for row in workers
    ]


def of_worker(worker: Row, status: Mapping[str, Any], declined: Row) -> list[Fact]:
    """Give what is known of a worker: when it was heard of, what its commands met, what it declined."""
    facts = [Fact("last_seen", worker["health"], worker["last_seen_at"])]
    if worker["stopped_at"] is not None:
        facts.append(Fact("stopped", declined["stopped_by"], worker["stopped_at"], worker["stop_reason"]))
    if job := status["current_job"]:
        facts.append(Fact("current_job", job["job_id"], job["claimed_at"], job["phase"]))
    facts += [
        Fact(name, check["state"], check["at"])
        for name, check in status["checks"].items()
        if check["at"] is not None
    ]
    if worker["no_job_count"]:
        facts.append(Fact("claims_without_a_job", worker["no_job_count"], declined["declined_at"]))
    facts += [
        Fact("declined", each.get("job"), declined["declined_at"], each.get("reason"))
        for each in (declined["declined"] or [])[:10]
        if isinstance(each, Mapping)
    ]
    return facts


def _incident(row: Row) -> Fact:
    return Fact(f"incident {row['rule']}", row["state"], row["last_seen_at"], row["cause"])


def _end_of(attempt: Row) -> str | None:
    words = [attempt["cause"], attempt["error"]]
    return ": ".join(word for word in words if word) or None
