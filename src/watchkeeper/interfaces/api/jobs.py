"""Jobs: enqueue, list, look at, and what operators do to one."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response

from watchkeeper.domain.contracts import ResultContract
from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.kinds import checked_kind_name
from watchkeeper.domain.principals import Right
from watchkeeper.interfaces.api.answers import answer, csv_file, listed, without_number
from watchkeeper.interfaces.api.auth import Here
from watchkeeper.interfaces.api.contract import JobName
from watchkeeper.interfaces.api.documents import JOB_ID, TIME, declared
from watchkeeper.interfaces.api.guarded import ActRoute, GuardedRoute, KeyedRoute
from watchkeeper.interfaces.api.pages import AfterId, Format, Limit
from watchkeeper.interfaces.api.schemas import MAX_JOBS, JobActBody, JobBody, JobOrJobs, ReasonBody
from watchkeeper.services.drawing import COLUMNS
from watchkeeper.services.enqueueing import JobRequest
from watchkeeper.services.report_tables import as_csv

reads = APIRouter(prefix="/api/jobs", tags=["jobs"], route_class=GuardedRoute)
enqueues = APIRouter(prefix="/api/jobs", tags=["jobs"], route_class=KeyedRoute)
acts = APIRouter(prefix="/api/jobs", tags=["jobs"], route_class=ActRoute)

MARK = {"row": "attempt", "at": TIME, "until": None, "tone": "run", "event": "running", "epoch": 1}
MARKS: dict[str, Any] = {"begin": TIME, "end": TIME, "every": 1, "blind": [], "marks": [MARK]}

ENQUEUED: dict[str, Any] = {"job": {"id": JOB_ID, "existing": False}}
State = Literal["pending", "running", "completed", "failed", "stuck", "paused", "cancelled"]


@enqueues.post(
    "",
    **declared(Right.ENQUEUE, key="optional", status=201, example=ENQUEUED, maybe=("job", "jobs")),
)
async def enqueue(body: JobOrJobs, access: Here) -> Response:
    """Add one job, or a list in one transaction; where a key is taken, the job that is there answers."""
    asked = body if isinstance(body, list) else [body]
    if len(asked) > MAX_JOBS:
        raise UsageError(f"{len(asked):,} jobs are too many for one request; at most {MAX_JOBS:,}")
    requests = [_request(job) for job in asked]
    made = await access.app.queue.enqueue(await access.project(), requests, actor=access.principal.actor)
    jobs = [{"id": job.id, "existing": job.existing} for job in made]
    return answer(201, jobs=jobs) if isinstance(body, list) else answer(201, job=jobs[0])


def _request(job: JobBody) -> JobRequest:
    contract = None if job.contract is None else ResultContract.parse(job.contract).to_json()
    return JobRequest(
        checked_kind_name(job.kind),
        job.payload,
        contract,
        job.priority,
        job.run_at,
        job.unique_key,
        job.external_id,
        job.deliverable_id,
        job.reason,
    )


@reads.get(
    "",
    **declared(
        Right.READ,
        name="list",
        example={
            "jobs": [{"id": JOB_ID, "kind": "report", "state": "running", "created_at": TIME}],
            "next_cursor": None,
        },
    ),
)
async def jobs(
    access: Here,
    state: State | None = None,
    kind: Annotated[str | None, Query(max_length=100)] = None,
    limit: Limit = 100,
    cursor: AfterId = None,
    as_: Format = "json",
) -> Response:
    """List jobs, the newest first; `next_cursor` leads to the next page, null at the end."""
    project = await access.project()
    before = None if cursor is None else await access.app.insights.job_number(project, cursor)
    rows, following = await access.app.insights.jobs(
        project, state=state, kind=kind, before=before, limit=limit
    )
    next_cursor = None if following is None else rows[-1]["id"]
    return listed("jobs", [without_number(row) for row in rows], next_cursor, as_)


@reads.get("/{job:path}/timeline", **declared(Right.READ, example={"timeline": []}))
async def timeline(job: JobName, access: Here) -> Response:
    """Give what is known of a job in order of time: audit rows, phases, checks."""
    rows = await access.app.insights.timeline(await access.project(), job)
    return answer(timeline=[access.app.redactor.redact_data(row) for row in rows])


@reads.get("/{job:path}/marks", **declared(Right.READ, example=MARKS))
async def marks(job: JobName, access: Here, as_: Format = "json") -> Response:
    """Give what a job's timeline is drawn from: waits, attempts, leases, tool calls, checks, incidents, repairs."""
    told = (await access.app.drawings.of_job(await access.project(), job)).told()
    return answer(**told) if as_ == "json" else csv_file("timeline", as_csv(COLUMNS, told["marks"]))


@reads.get(
    "/{job:path}",
    **declared(
        Right.READ, version_of="job", name="show", example={"job": {"id": JOB_ID, "state": "completed"}}
    ),
)
async def job(job: JobName, access: Here) -> Response:
    """Give one job with its attempts and artifacts; secrets in its payload are shown redacted."""
    row = await access.app.insights.job(await access.project(), job)
    row["payload"] = access.app.redactor.redact_data(row["payload"])
    return answer(job=without_number(row))


async def _move(job: str, act: str, access: Here, reason: str, *, force: bool = False) -> Response:
    moved = await access.app.operations.move(
        await access.project(), job, act, actor=access.principal.actor, reason=reason, force=force
    )
    return answer(job={"id": moved.job_id, "state": moved.state}, cancel_requested=moved.cancel_requested)


MOVED: dict[str, Any] = {"job": {"id": JOB_ID, "state": "paused"}, "cancel_requested": False}


@acts.post("/{job:path}/cancel", **declared(Right.OPERATE, version_of="job", key="required", example=MOVED))
async def cancel(job: JobName, body: JobActBody, access: Here) -> Response:
    """Cancel a job; the holder of a running one is asked to stop, unless `force`."""
    return await _move(job, "cancel", access, body.reason, force=body.force)


@acts.post("/{job:path}/pause", **declared(Right.OPERATE, version_of="job", key="required", example=MOVED))
async def pause(job: JobName, body: ReasonBody, access: Here) -> Response:
    """Pause a job; a running attempt ends."""
    return await _move(job, "pause", access, body.reason)


@acts.post("/{job:path}/resume", **declared(Right.OPERATE, version_of="job", key="required", example=MOVED))
async def resume(job: JobName, body: ReasonBody, access: Here) -> Response:
    """Make a paused or stuck job pending again."""
    return await _move(job, "resume", access, body.reason)


@acts.post("/{job:path}/fail", **declared(Right.OPERATE, version_of="job", key="required", example=MOVED))
async def fail(job: JobName, body: ReasonBody, access: Here) -> Response:
    """Fail a job; a running attempt ends."""
    return await _move(job, "fail", access, body.reason)


@acts.post(
    "/{job:path}/requeue",
    **declared(
        Right.OPERATE, version_of="job", key="required", example={"job": {"id": JOB_ID, "existing": False}}
    ),
)
async def requeue(job: JobName, body: ReasonBody, access: Here) -> Response:
    """Try a job again: an ended one as a new job, a stuck or paused one in its own place."""
    made = await access.app.operations.requeue(
        await access.project(), job, actor=access.principal.actor, reason=body.reason
    )
    return answer(job={"id": made.id, "existing": made.existing})
