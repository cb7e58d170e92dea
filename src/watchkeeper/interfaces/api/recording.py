"""What is recorded from outside: the facts of somebody else's queue, helper and workers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response

from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.principals import Right
from watchkeeper.interfaces.api.answers import answer
from watchkeeper.interfaces.api.auth import Access, Here, LeaseToken
from watchkeeper.interfaces.api.documents import JOB_ID, TIME, declared
from watchkeeper.interfaces.api.guarded import KeyedRoute
from watchkeeper.interfaces.api.record_bodies import (
    ArtifactCheckOrList,
    HealthOrList,
    HelperEventOrList,
    JobAttemptOrList,
    LeaseBody,
    WorkerRunOrList,
)
from watchkeeper.services.holding import Caller
from watchkeeper.services.mirrored import Reporter
from watchkeeper.services.recording import Record

watchdog = APIRouter(prefix="/api/watchdog", tags=["recording"], route_class=KeyedRoute)
pls = APIRouter(prefix="/api/pls/watchdog", tags=["recording"], route_class=KeyedRoute)

JobName = Annotated[str, Path(description="The job's id, or its foreign id.", max_length=500)]

STANDING = {"id": JOB_ID, "origin": "helper", "external_id": "13f31bea", "state": "running", "attempt": 1}
KEPT = {"id": JOB_ID, "existing": False, "job": STANDING}
WISHES: dict[str, Any] = {
    "no_job_count": 0,
    "stopped": False,
    "stop_reason": None,
    "touch_requested": False,
    "requested": [],
}
ASKED: dict[str, Any] = {**KEPT, "requested": []}
MAYBE = ("id", "existing", "job", "passed", *WISHES)
"""A list is answered with `recorded`; and not every report is about a job."""


async def _keep(access: Access, body: Any, lease: str | None = None) -> Response:
    given: Sequence[Any] = body if isinstance(body, list) else [body]
    records: list[Record] = [each.record() for each in given]
    project = await access.project()
    who = Reporter(project, access.principal.actor, Caller(access.principal, project, lease))
    kept = await access.app.watchdog.recording.record(who, records)
    return answer(recorded=kept) if isinstance(body, list) else answer(**kept[0])


@watchdog.post("/health", **declared(Right.RECORD, key="optional", example={**KEPT, **WISHES}, maybe=MAYBE))
async def health(body: HealthOrList, access: Here) -> Response:
    """Keep a worker's heartbeat, or the counters of a foreign queue; the answer has what the worker must know."""
    return await _keep(access, body)


@watchdog.post(
    "/worker-runs", **declared(Right.RECORD, key="optional", example=ASKED, maybe=MAYBE, job_token=True)
)
async def worker_runs(body: WorkerRunOrList, access: Here, lease: LeaseToken = None) -> Response:
    """Keep a phase of an attempt and how it went; of a job of the own queue only from who holds it."""
    return await _keep(access, body, lease)


@watchdog.post(
    "/helper-events", **declared(Right.RECORD, key="optional", example=ASKED, maybe=MAYBE, job_token=True)
)
async def helper_events(body: HelperEventOrList, access: Here, lease: LeaseToken = None) -> Response:
    """Keep an execution of a helper's command, its output redacted; of an own job only from who holds it."""
    return await _keep(access, body, lease)


@watchdog.post(
    "/artifact-checks",
    **declared(Right.RECORD, key="optional", example={**KEPT, "passed": True}, maybe=MAYBE),
)
async def artifact_checks(body: ArtifactCheckOrList, access: Here) -> Response:
    """Keep what a look at a mirrored job's artifact found; whether it passed is judged here."""
    return await _keep(access, body)


@watchdog.post(
    "/artifact-verifications",
    **declared(Right.RECORD, key="optional", example={**KEPT, "passed": True}, maybe=MAYBE),
)
async def artifact_verifications(body: ArtifactCheckOrList, access: Here) -> Response:
    """The same under the other name that programs use for it."""
    return await _keep(access, body)


@watchdog.patch(
    "/job-leases/{job:path}",
    **declared(Right.RECORD, key="optional", example={"job": STANDING, "lease": {"lease_expires_at": TIME}}),
)
async def job_lease(job: JobName, body: LeaseBody, access: Here) -> Response:
    """Report a mirrored job's lease, or as a supervisor release, reclaim or mark it stale with a reason."""
    leases, project = access.app.watchdog.foreign_leases, await access.project()
    if body.job_id not in (None, job):
        raise UsageError(f"the address names the job {job[:100]!r}, and the body another one")
    if body.action is None:
        who = Reporter(project, access.principal.actor)
        return answer(**await leases.report(who, job, body.last_heartbeat_at, body.lease_expires_at))
    access.principal.demand(Right.OPERATE)
    if body.last_heartbeat_at or body.lease_expires_at:
        raise UsageError("either 'action' with 'reason', or what is reported of the lease; not both")
    return answer(**await leases.decide(project, job, body.action, body.reason, access.principal))


@pls.post("/heartbeat", **declared(Right.RECORD, key="optional", example={**KEPT, **WISHES}, maybe=MAYBE))
async def heartbeat(body: HealthOrList, access: Here) -> Response:
    """Keep a worker's heartbeat."""
    return await _keep(access, body)


@pls.post("/job-attempt", **declared(Right.RECORD, key="optional", example={"job": STANDING}, maybe=MAYBE))
async def job_attempt(body: JobAttemptOrList, access: Here) -> Response:
    """Keep where an attempt at a mirrored job stands; the first report of a job makes it known."""
    return await _keep(access, body)
