"""Repairs that ask somebody: the request, and how its effect is seen. No data by the due time is no success."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from watchkeeper.domain.errors import JobNotFound
from watchkeeper.domain.heartbeat_checks import CheckState, HeartbeatCheck, judge_step, said_of
from watchkeeper.domain.mirrored import LeaseAction
from watchkeeper.domain.repair_plans import OF_THE_LEASE, ON_JOBS, ON_SESSIONS, ON_WORKERS, is_mirrored
from watchkeeper.domain.repairs import SESSION_PATIENCE_SECONDS, Plan
from watchkeeper.domain.rules.names import RepairAction
from watchkeeper.services.mirrored import MirroredJobs, Reporter
from watchkeeper.services.repairs.work import Done, Work
from watchkeeper.storage.database import Connection, Row, fetch, fetch_one

AFTER_EXPIRY_SECONDS = 60.0
"""So long after its lease's end a holder may still show that it lives, before it is given up."""

LOOKED_AT = frozenset({RepairAction.RETOUCH, RepairAction.ASK_RENEWAL}) | ON_SESSIONS
"""Requests whose effect rows of their own show; that of the others is that their incident is over."""


async def ask(work: Work, patience_seconds: float) -> Done:
    """Ask a worker at its next answer, or whoever carries the plan out; give by when the effect must be seen."""
    plan = work.plan
    if plan.carried_out_by == "person":
        return Done("this is for a person: Watchkeeper has nothing to act on", is_for_person=True)
    if plan.action in ON_SESSIONS:
        return _ask_supervisor(work)
    worker = asked_worker(work.repair, plan)
    if worker is None and plan.carried_out_by == "holder" and not is_mirrored(work.seen.image):
        return Done("nobody holds it who could be asked: this is for a person", is_for_person=True)
    if await is_let_go(work.connection, work.repair, plan):
        return Done(f"{worker} does not hold the job any more: this is for a person", is_for_person=True)
    await _mark(work)
    if worker is not None:
        await fetch(work.connection, "request_touch", {"project_id": work.project_id, "worker_id": worker})
    due = patience_seconds
    if plan.action is RepairAction.ASK_RENEWAL and work.seen.row.get("expires_at") is not None:
        left = (work.seen.row["expires_at"] - work.repair["now"]).total_seconds()
        due = min(due, max(left, 0.0) + AFTER_EXPIRY_SECONDS)
    asked = worker or f"the {plan.carried_out_by}"
    return Done(
        f"{asked} was asked for {plan.action.value}; what comes of it is awaited for {due:.0f} s", due
    )


def _ask_supervisor(work: Work) -> Done:
    """Ask a session's supervisor: the answers to its worker say so while the repair stands so (requests.py)."""
    worker = work.seen.image["worker_id"]
    if worker != work.repair["worker_id"]:
        return Done("another worker supervises the session: this is for a person", is_for_person=True)
    text = f"{worker} was asked for {work.plan.action.value}; its word is awaited for"
    return Done(f"{text} {SESSION_PATIENCE_SECONDS:.0f} s", SESSION_PATIENCE_SECONDS)


async def _mark(work: Work) -> None:
    """Write down what was decided of a mirrored job's lease; the other queue itself is left alone."""
    if not is_mirrored(work.seen.image) or work.plan.action.value not in _MARKS:
        return
    mirrored, who = MirroredJobs(work.redactor), Reporter(work.project_id, work.actor)
    origin, action = str(work.seen.image["origin"]), LeaseAction(work.plan.action.value)
    row = await mirrored.find(work.connection, who, work.plan.target.id, origin)
    if row is None:
        raise JobNotFound
    await mirrored.decide(work.connection, who, row, action, work.reason)


_MARKS = frozenset(action.value for action in LeaseAction)


def asked_worker(repair: Row, plan: Plan) -> str | None:
    """Give the worker whose next answer carries the request; None where none is known."""
    if plan.action in ON_WORKERS:
        return plan.target.id
    if plan.action in ON_JOBS:
        holder = plan.preconditions.get("worker_id")
        return None if holder is None else str(holder)
    return None if repair["worker_id"] is None else str(repair["worker_id"])


@dataclass(frozen=True, slots=True)
class Effect:
    """What was seen of a request, and on which row that rests."""

    what: str
    rests_on: str


async def seen_effect(connection: Connection, repair: Row, checks: Sequence[HeartbeatCheck]) -> Effect | None:
    """Look whether what was asked for has come; None while nothing shows it."""
    plan = Plan.from_json(repair["plan"])
    where = {"project_id": repair["project_id"], "since": repair["attempted_at"]}
    if plan.action is RepairAction.RETOUCH:
        rows = await fetch(connection, "seen_touch", {**where, "worker_id": plan.target.id})
        well = next((row for row in rows if _is_well(row, checks)), None)
        return (
            None if well is None else Effect("a touch with its doctor well", f"worker_heartbeat:{well['id']}")
        )
    if plan.action is RepairAction.ASK_RENEWAL:
        asked = {**where, "id": plan.target.id, "epoch": plan.preconditions["epoch"]}
        row = await fetch_one(connection, "seen_renewal", asked)
        return None if row is None else Effect(row["seen"], f"job:{plan.target.id}")
    if plan.action in ON_SESSIONS:
        asked = {**where, "id": plan.target.id, "action": plan.action.value}
        row = await fetch_one(connection, "seen_at_session", asked)
        if row is not None:
            return Effect(row["seen"], f"agent_session:{plan.target.id}")
    if repair["incident_state"] == "resolved":
        return Effect("its incident is over", f"incident:{repair['incident_id']}")
    return None


async def is_let_go(connection: Connection, repair: Row, plan: Plan) -> bool:
    """Say whether a job goes on without the worker that is asked about it; one that ended closes its incident."""
    worker = asked_worker(repair, plan)
    if plan.action not in OF_THE_LEASE or worker is None or repair["job_id"] is None:
        return False
    where = {name: repair[name] for name in ("project_id", "job_id")}
    asked = {"worker_id": worker, "since": repair["attempted_at"]}
    return await fetch_one(connection, "let_go_job", {**where, **asked}) is not None


def _is_well(row: Row, checks: Sequence[HeartbeatCheck]) -> bool:
    """Say whether the policy's checks pass on what a round told of doctor and touch."""
    answers = row["answers"] or {}
    said = {
        name: value
        for step in ("doctor", "touch")
        for name, value in said_of(step, row[f"{step}_ok"], answers.get(step)).items()
    }
    return all(judge_step(checks, step, said).state is CheckState.PASS for step in ("doctor", "touch"))
