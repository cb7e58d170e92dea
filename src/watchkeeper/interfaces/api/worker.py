"""The contract's commands that come before a job: doctor, touch, claim, register, renew."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from watchkeeper import __version__
from watchkeeper.domain.claims import ClaimedJob
from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.leases import RUNTIME
from watchkeeper.domain.principals import Right
from watchkeeper.interfaces.api.answers import answer, as_json
from watchkeeper.interfaces.api.auth import Here
from watchkeeper.interfaces.api.documents import JOB_ID, TIME, declared
from watchkeeper.interfaces.api.guarded import ContractRoute, GuardedRoute
from watchkeeper.interfaces.api.schemas import ClaimBody, DoctorBody, RegisterBody, RenewBody, TouchBody
from watchkeeper.interfaces.api.state import state_of
from watchkeeper.services.attendance import Registration
from watchkeeper.services.checks import Check
from watchkeeper.services.claims import ClaimAsked

contract = APIRouter(prefix="/api/worker", tags=["worker"], route_class=ContractRoute)
runtime = APIRouter(prefix="/api/worker", tags=["worker"], route_class=GuardedRoute)

EXAMPLE_JOB = {
    "id": JOB_ID,
    "kind": "report",
    "project_id": "default",
    "payload": {"topic": "queues"},
    "contract": {"required_kinds": ["html_page"]},
    "attempt": 1,
    "external_id": None,
    "deliverable_id": None,
    "lease_token": "1.pR8mq0zD1cO2vHk7x3sYw9aB",
    "lease_expires_at": TIME,
    "redelivered": False,
    "epoch": 1,
    "lease_seconds": 900,
}


REQUEST = {
    "repair": JOB_ID,
    "job": JOB_ID,
    "epoch": 1,
    "session": 1,
    "action": "interrupt_session",
    "insists": False,
}


@contract.post(
    "/doctor",
    **declared(
        Right.CONTRACT,
        Right.OPERATE,
        command="doctor",
        example={
            "token_present": True,
            "touch": {"ok": True},
            "server": {"ok": True, "version": __version__},
            "database": {"ok": True},
            "worker_id": "codex-1",
            "checks": [{"name": "database", "ok": True, "detail": "it answered in 0.4 ms"}],
        },
    ),
)
async def doctor(body: DoctorBody, access: Here) -> Response:
    """Check that a worker can work; `system` adds the operator's diagnosis, for supervisors of the whole."""
    checks = [Check("server", ok=True, detail=f"Watchkeeper {__version__}")]
    if body.system:
        access.principal.demand(Right.OPERATE)
        access.principal.demand_whole("the diagnosis of the installation")
        checks += await access.app.diagnosis.system()
        return as_json(_diagnosed(body.worker_id, checks))
    access.principal.demand(Right.CONTRACT)
    if body.worker_id is None:
        raise UsageError("'worker_id': a worker names itself")
    project = await access.project()
    checks.append(await access.app.diagnosis.database())
    worker = await access.app.attendance.look(project, body.worker_id)
    checks.append(Check("token", ok=True, detail=f"role {access.principal.role}, project {project}"))
    checks.append(Check("touch", ok=True, detail="the server noted that this worker is there"))
    checks.append(_standing(worker))
    ok = all(check.ok for check in checks)
    told = _diagnosed(body.worker_id, checks)
    await access.app.attendance.note_doctor(project, body.worker_id, ok=ok, answer=told)
    return as_json(told)


def _standing(worker: dict[str, Any]) -> Check:
    if worker["stopped"]:
        reason = worker["stop_reason"] or "no reason was given"
        return Check("worker", ok=False, detail=f"it was stopped and may not claim: {reason}")
    detail = "it is draining: it finishes what it holds" if worker["draining"] else "it may claim"
    return Check("worker", ok=True, detail=detail)


def _diagnosed(worker_id: str | None, checks: list[Check]) -> dict[str, Any]:
    return {
        "ok": all(check.ok for check in checks),
        "token_present": True,
        "touch": {"ok": True},
        "server": {"ok": True, "version": __version__},
        "database": {"ok": True},
        "worker_id": worker_id or "",
        "checks": [check.to_json() for check in checks],
    }


@contract.post(
    "/touch",
    **declared(
        Right.CONTRACT,
        command="touch",
        example={
            "touched": True,
            "worker_id": "codex-1",
            "health": "ok",
            "touch_requested": False,
            "requested": [],
        },
    ),
)
async def touch(body: TouchBody, access: Here) -> Response:
    """Say that a worker is there."""
    touched = await access.app.attendance.touch(await access.project(), body.worker_id, body.automation_id)
    return answer(**touched)


@contract.post(
    "/claim",
    **declared(
        Right.CONTRACT,
        command="claim",
        example={"job": EXAMPLE_JOB, "jobs": [EXAMPLE_JOB], "no_job_count": 0, "declined": []},
        maybe=("job",),
    ),
)
async def claim(body: ClaimBody, access: Here, request: Request) -> Response:
    """Take a job, or several for a runtime worker, under new leases; wait for one if asked."""
    state = state_of(request)

    async def is_gone() -> bool:
        return state.closing.is_set() or await request.is_disconnected()

    asked = ClaimAsked(body.worker_id, body.kinds or None, body.wait_seconds, body.limit, body.held)
    claimed = await access.app.claims.claim(await access.project(), asked, is_gone)
    jobs = [_job(job) for job in claimed["jobs"]]
    asked_of_it = claimed.get("session_requests")
    return answer(
        **({"session_requests": asked_of_it} if asked_of_it else {}),
        job=jobs[0] if jobs else None,
        jobs=jobs,
        no_job_count=claimed["no_job_count"],
        declined=claimed["declined"],
    )


def _job(job: ClaimedJob) -> dict[str, Any]:
    return {
        "id": job.id,
        "kind": job.kind,
        "project_id": job.project_id,
        "payload": job.payload,
        "contract": job.contract,
        "attempt": job.epoch,
        "external_id": job.external_id,
        "deliverable_id": job.deliverable_id,
        "lease_token": str(job.token),
        "lease_expires_at": job.lease_expires_at,
        "redelivered": job.redelivered,
        "epoch": job.epoch,
        "lease_seconds": job.lease_seconds,
        "is_shadow": job.is_shadow,
        "hard_cap_minutes": job.hard_cap_minutes,
        "progress_deadline_minutes": job.progress_deadline_minutes,
        "tool_limit_minutes": job.tool_limit_minutes,
    }


@runtime.post(
    "/register",
    **declared(
        Right.CONTRACT,
        example={"worker_id": "host-1", "stopped": False, "lease_seconds": 60, "renew_seconds": 15.0},
    ),
)
async def register(body: RegisterBody, access: Here) -> Response:
    """Make a runtime worker known, with its slots; it may then claim as many jobs."""
    asked = Registration(
        body.worker_id,
        body.slots,
        body.kinds or None,
        body.role,
        body.pool,
        body.persona,
        body.host_id,
        body.version,
    )
    row = await access.app.attendance.register(await access.project(), asked)
    return answer(
        worker_id=row["worker_id"],
        stopped=row["stopped"],
        draining=row["draining"],
        lease_seconds=RUNTIME.lease_seconds,
        renew_seconds=RUNTIME.renew_seconds,
    )


@runtime.post(
    "/renew",
    **declared(
        Right.CONTRACT,
        example={
            "renewed": [{"job": JOB_ID, "lease_expires_at": TIME}],
            "lost": [],
            "cancel_requested": [],
            "touch_requested": False,
            "session_requests": [REQUEST],
        },
    ),
)
async def renew(body: RenewBody, access: Here) -> Response:
    """Renew leases in one statement; name those that are lost, and the wishes for their holder."""
    leases = [(lease.job, lease.token) for lease in body.leases]
    return answer(**await access.app.claims.renew(await access.project(), body.worker_id, leases))
