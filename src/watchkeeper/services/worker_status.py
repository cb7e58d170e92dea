"""How one worker fares: its health, its job, what it is stuck on, what to do next, the newest word on each command."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from watchkeeper.domain.diagnosis import OpenIncident, worst
from watchkeeper.domain.errors import NotFound
from watchkeeper.domain.heartbeat_checks import CheckState, HeartbeatCheck, judge_step, said_of
from watchkeeper.domain.policies import Policy
from watchkeeper.domain.rules.names import NextAction, RuleName, Severity
from watchkeeper.domain.worker_checks import OF_THE_JOB, Heard, LeaseRisk, check_of, checks, next_action
from watchkeeper.services.session_reading import session_of_job
from watchkeeper.services.watchdog_edges import answer_in
from watchkeeper.storage.database import Connection, Database, Row, fetch, fetch_one

ROUND = {"doctor": "doctor_ok", "touch": "touch_ok", "claim": "claim_ok"}
STANDING_STILL = frozenset({"stuck", "paused"})


class WorkerStatus:
    """Reads of single workers, own and foreign alike."""

    def __init__(self, database: Database, policy: Callable[[], Policy] = Policy) -> None:
        self._database = database
        self._policy = policy

    async def status(self, project_id: str, worker_id: str) -> dict[str, Any]:
        """Give a worker's status; raise NotFound."""
        async with self._database.transaction() as connection:
            worker = await find_worker(connection, project_id, worker_id, self._policy())
            if worker is None:
                raise NotFound(f"there is no worker {worker_id[:100]!r} in this project")
            return await status_of(connection, project_id, worker, self._policy())


async def find_worker(connection: Connection, project_id: str, worker_id: str, policy: Policy) -> Row | None:
    """Give a worker's row with its health, None for an unknown one."""
    absent = policy.absent_seconds
    where = {"project_id": project_id, "worker_id": worker_id, "limit": 1, "absent_seconds": absent}
    return await fetch_one(connection, "list_workers", where)


async def open_incidents(connection: Connection, project_id: str, **of: Any) -> list[Row]:
    """Give what is unresolved of a job (`job_id`), a worker (`worker_id`) or a kind (`kind`), the gravest first."""
    nothing = {"job_id": None, "worker_id": None, "kind": None}
    return await fetch(connection, "open_incidents_of", {"project_id": project_id, **nothing, **of})


def as_incidents(rows: Sequence[Row]) -> list[OpenIncident]:
    """Give incidents as a diagnosis takes them; a rule of a newer program is left out."""
    known = set(RuleName)
    return [
        OpenIncident(
            RuleName(row["rule"]),
            Severity(row["severity"]),
            is_symptom=row["is_symptom"],
            next_action=NextAction(row["next_action"]),
        )
        for row in rows
        if row["rule"] in known
    ]


async def status_of(connection: Connection, project_id: str, worker: Row, policy: Policy) -> dict[str, Any]:
    """Give the status of a worker whose row is at hand, judged by the checks that the policy asks for."""
    worker_id, asked = worker["worker_id"], policy.checks
    held = await fetch(
        connection, "worker_leases_held", {"project_id": project_id, "worker_id": worker_id, "limit": 20}
    )
    job = held[0] if held else None
    job_id: UUID | None = None if job is None else job["job_id"]
    heard = await fetch(
        connection, "heard_of_worker", {"project_id": project_id, "worker_id": worker_id, "job_id": job_id}
    )
    found = as_incidents(await open_incidents(connection, project_id, worker_id=worker_id, job_id=job_id))
    risk = None if job is None else LeaseRisk(job["risk_level"], job["received_at"])
    states = checks(_words(heard, job_id, asked), risk, asked)
    return {
        "worker_id": worker_id,
        "origin": worker["origin"],
        "health": worker["health"],
        "current_job": job,
        "holding": held,
        "session": await _session(connection, project_id, job_id, policy),
        "stuck_reason": _stuck_on(worker, job, found),
        "next_action": next_action(states, found),
        "checks": states,
        "no_job_count": worker["no_job_count"],
        "last_seen_at": worker["last_seen_at"],
    }


async def _session(
    connection: Connection, project_id: str, job_id: UUID | None, policy: Policy
) -> dict[str, Any] | None:
    """Say what the agent at the worker's job does, where one was told of."""
    found = None if job_id is None else await session_of_job(connection, project_id, job_id, policy.sessions)
    told = ("id", "agent", "state", "class", "last_event", "last_event_at", "clocks")
    return None if found is None else {name: found[name] for name in told}


def _stuck_on(worker: Row, job: Row | None, incidents: Sequence[OpenIncident]) -> str | None:
    """Say what a worker is stuck on: why it was stopped, its job's reason, or the gravest rule that fired."""
    if worker["stopped_at"] is not None:
        return worker["stop_reason"] or "stopped"
    if job is not None and job["state"] in STANDING_STILL and job["state_reason"]:
        return str(job["state_reason"])
    incident = worst(incidents)
    return None if incident is None else incident.rule.value


def _words(rows: Sequence[Row], job_id: UUID | None, asked: Sequence[HeartbeatCheck]) -> Iterator[Heard]:
    # That a step was answered says that it was owed.
    owed = [replace(check, required_when=None) for check in asked]
    for row in rows:
        if row["what"] == "round":
            answers = row["answers"] or {}
            for step, column in ROUND.items():
                if row[column] is not None or step in answers:
                    yield from _heard(step, row[column], answers.get(step), row["at"], owed)
            continue
        step = check_of(row["name"])
        if step not in OF_THE_JOB or job_id is None or row["job_id"] == job_id:
            answer = answer_in(row["output"]) or row["answers"]
            yield from _heard(step, row["ok"], answer, row["at"], owed)


def _heard(
    step: str, ok: bool | None, answer: Any, at: datetime, asked: Sequence[HeartbeatCheck]
) -> Iterator[Heard]:
    """Give what one source says of each check of a step: its answer judged, else the bare word on the step itself."""
    for verdict in judge_step(asked, step, said_of(step, ok, answer)).checks:
        if verdict.state is not CheckState.UNKNOWN or isinstance(answer, dict):
            yield Heard(verdict.name, at, PASSED.get(verdict.state))


PASSED = {CheckState.PASS: True, CheckState.FAIL: False}
