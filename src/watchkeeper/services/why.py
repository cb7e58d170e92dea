"""`why`: the reason that a job, a kind or a worker stands as it does, the facts behind it, and what would change it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any

from watchkeeper.domain.diagnosis import JobFacts, diagnose
from watchkeeper.domain.errors import JobNotFound, NotFound
from watchkeeper.domain.jobs import AttemptCause, JobState, StateReason, WaitingReason
from watchkeeper.domain.policies import Policy
from watchkeeper.domain.redaction import Redactor
from watchkeeper.domain.rules.catalogue import RULES
from watchkeeper.domain.rules.names import RuleName
from watchkeeper.domain.waiting import (
    CANCELLED,
    CLAIMABLE,
    COMPLETED,
    RUNNING,
    RUNNING_ON,
    RUNNING_UNTOLD,
    STANDS_STILL,
    THERE,
    WAITING,
    Waiting,
)
from watchkeeper.services.insights import Insights
from watchkeeper.services.operations import find_job
from watchkeeper.services.session_reading import session_of_job
from watchkeeper.services.why_facts import Fact, of_job, of_kind, of_session, of_worker
from watchkeeper.services.worker_status import as_incidents, find_worker, open_incidents, status_of
from watchkeeper.storage.database import Connection, Database, Row, fetch, fetch_one, fetch_row

STANDING_STILL = frozenset({JobState.STUCK, JobState.PAUSED, JobState.FAILED})


class Subject(StrEnum):
    JOB = "job"
    KIND = "kind"
    WORKER = "worker"


class Why:
    """Answers as data; every fact has its age."""

    def __init__(
        self,
        database: Database,
        insights: Insights,
        redactor: Redactor,
        policy: Callable[[], Policy] = Policy,
    ) -> None:
        self._database = database
        self._insights = insights
        self._redactor = redactor
        self._policy = policy

    async def why(self, project_id: str, name: str, of: Subject | None = None) -> dict[str, Any]:
        """Explain a job, else a kind, else a worker of this name, or only what `of` says; raise NotFound."""
        async with self._database.transaction() as connection:
            found = await self._find(connection, project_id, name, of)
            now: datetime = (await fetch_row(connection, "clock"))["now"]
            stands_still = bool(await fetch(connection, "standing_still"))
        if found is None:
            what = "job, kind or worker" if of is None else of.value
            raise NotFound(f"there is no {what} {name[:100]!r} here")
        facts: list[Fact] = found.pop("facts")
        if found["subject"]["type"] == Subject.KIND:
            found |= await self._of_queue(project_id, name)
        if stands_still and found["reason"] == WaitingReason.CLAIMS_OFF:
            found |= {"sentence": STANDS_STILL.sentence, "changes": STANDS_STILL.changes}
        told = {"generated_at": now, **found, "facts": [fact.told(now) for fact in facts]}
        return {key: self._redactor.redact_data(value) for key, value in told.items()}

    async def _find(
        self, connection: Connection, project_id: str, name: str, of: Subject | None
    ) -> dict[str, Any] | None:
        if of in (None, Subject.JOB):
            try:
                job = await find_job(connection, project_id, name)
                now: datetime = (await fetch_row(connection, "clock"))["now"]
                return await self._job(connection, project_id, job, now)
            except JobNotFound:
                pass  # another subject may have this name
        if of in (None, Subject.KIND):
            known = await fetch_row(connection, "known_kind", {"project_id": project_id, "kind": name})
            if known["own"] or known["mirrored"]:
                return await self._kind(connection, project_id, name)
        if of in (None, Subject.WORKER):
            worker = await find_worker(connection, project_id, name, self._policy())
            if worker is not None:
                return await self._worker(connection, project_id, worker)
        return None

    async def _job(self, connection: Connection, project_id: str, job: Row, now: datetime) -> dict[str, Any]:
        where = {"project_id": project_id, "seq": job["seq"]}
        waiting = await fetch_one(connection, "waiting_jobs", {**where, "kinds": None, "limit": 1})
        attempts = await fetch(connection, "job_attempts", where)
        incidents = await open_incidents(connection, project_id, job_id=job["id"])
        about = {"project_id": project_id, "job_id": job["id"]}
        facts = of_job(job, attempts, incidents)
        facts += [
            Fact(row["what"], row["value"], row["at"], row["said"])
            for row in await fetch(connection, "last_words", about)
        ]
        facts += [
            Fact("declined_by", row["worker_id"], row["declined_at"], row["reason"])
            for row in await fetch(connection, "declined_by", about)
        ]
        session = await session_of_job(connection, project_id, job["id"], self._policy().sessions)
        if session is not None:
            facts += of_session(session)
        if job["state"] == JobState.PENDING and job["origin"] == "own":
            of = {"project_id": project_id, "kind": job["kind"]}
            facts += of_kind(await fetch(connection, "workers_of_kind", of))
        reason: str | None = None if waiting is None else waiting["reason"]
        named = {"type": Subject.JOB, "id": job["id"], "external_id": job["external_id"], "kind": job["kind"]}
        return {
            "subject": named | {"origin": job["origin"]},
            "state": job["state"],
            **_explained(job, reason, attempts, incidents, now),
            "incidents": incidents,
            "facts": facts,
        }

    async def _kind(self, connection: Connection, project_id: str, kind: str) -> dict[str, Any]:
        incidents = await open_incidents(connection, project_id, kind=kind)
        workers = await fetch(connection, "workers_of_kind", {"project_id": project_id, "kind": kind})
        return {
            "subject": {"type": Subject.KIND, "kind": kind},
            "incidents": incidents,
            "workers": workers,
            "facts": of_kind(workers),
        }

    async def _of_queue(self, project_id: str, kind: str) -> dict[str, Any]:
        """Give a kind's rows of queue health, the own one first, and what its jobs wait for."""
        health = await self._insights.queue_health(project_id)
        queues = [row for row in health["queues"] if row["kind"] == kind]
        counts: dict[str, int] = queues[0]["waiting_reasons"] if queues else {}
        reasons = sorted(counts, key=lambda name: -counts[name])
        waiting = WAITING[WaitingReason(reasons[0])] if reasons else None
        return {
            "state": queues[0]["status"] if queues else "ok",
            "reason": reasons[0] if reasons else None,
            "sentence": waiting.sentence if waiting else "nothing of it waits for a reason",
            "changes": waiting.changes if waiting else "the next claim of a worker that takes it",
            "queues": queues,
        }

    async def _worker(self, connection: Connection, project_id: str, worker: Row) -> dict[str, Any]:
        status = await status_of(connection, project_id, worker, self._policy())
        incidents = await open_incidents(connection, project_id, worker_id=worker["worker_id"])
        declined = await fetch_row(
            connection, "declined_of_worker", {"project_id": project_id, "worker_id": worker["worker_id"]}
        )
        sentence, changes = _of_health(worker, status)
        return {
            "subject": {
                "type": Subject.WORKER,
                "worker_id": worker["worker_id"],
                "origin": worker["origin"],
            },
            "state": status["health"],
            "reason": status["stuck_reason"],
            "sentence": sentence,
            "changes": changes,
            "next_action": status["next_action"],
            "current_job": status["current_job"],
            "checks": status["checks"],
            "declined": declined["declined"] or [],
            "incidents": incidents,
            "facts": of_worker(worker, status, declined),
        }


def _explained(
    job: Row, reason: str | None, attempts: Iterable[Row], incidents: list[Row], now: datetime
) -> dict[str, Any]:
    state = JobState(job["state"])
    causes = [AttemptCause(row["cause"]) for row in attempts if row["cause"]][::-1]
    if state in STANDING_STILL:
        why = StateReason(job["state_reason"]) if job["state_reason"] else None
        found = diagnose(JobFacts(state, why, causes, as_incidents(incidents)))
        return {
            "reason": job["state_reason"],
            "sentence": found.sentence,
            "class": found.stuck_class,
            "cause": found.cause,
            "suggested_repair": {"action": found.repair, "next_action": found.next_action},
            "changes": found.changes,
        }
    words = _waiting(job, reason, now)
    return {"reason": reason, "sentence": words.sentence, "changes": words.changes}


def _waiting(job: Row, reason: str | None, now: datetime) -> Waiting:
    if reason is not None:
        return WAITING[WaitingReason(reason)]
    match JobState(job["state"]):
        case JobState.RUNNING:
            return _running(job["lease_expires_at"], now)
        case JobState.COMPLETED:
            return COMPLETED
        case JobState.CANCELLED:
            return CANCELLED
    return CLAIMABLE if job["origin"] == "own" else THERE


def _running(ends_at: datetime | None, now: datetime) -> Waiting:
    if ends_at is None:
        return RUNNING_UNTOLD
    return RUNNING if now < ends_at else RUNNING_ON


def _of_health(worker: Row, status: dict[str, Any]) -> tuple[str, str]:
    if worker["stopped_at"] is not None:
        return (
            "it was stopped, and may not claim",
            "a supervisor who resumes it: 'watchkeeper workers resume'",
        )
    if worker["gone_at"] is not None:
        return "nothing was heard of it for long", "a touch or a claim of it"
    if worker["draining"]:
        return "it is draining: it claims no more", "a supervisor who resumes it"
    if worker["doctor_ok"] is False:
        return "its doctor did not pass", "a doctor that passes"
    failed = [name for name, check in status["checks"].items() if check["state"] == "failed"]
    if failed:
        return f"its last {failed[0]} failed", f"a {failed[0]} that goes well"
    if (stuck := status["stuck_reason"]) is not None:
        return _of_stuck(stuck)
    if status["health"] == "unknown":
        return "nothing was heard of it for more than two rounds", "a touch or a claim of it"
    return "nothing is the matter with it", "nothing needs to"


def _of_stuck(reason: str) -> tuple[str, str]:
    """Say what a worker is stuck on: the rule of its gravest incident, or why its job stands still."""
    if reason in set(RuleName):
        rule = RULES[RuleName(reason)]
        said = rule.sentence.rstrip(".")
        return said[0].lower() + said[1:], rule.closes_when
    return f"its job stands still: {reason}", "what moves the job on: 'watchkeeper why' of it"
