"""The contract's commands of one job: context, progress, files, verify, complete, fail, release, token."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from watchkeeper.domain.errors import PermissionDenied
from watchkeeper.domain.jobs import AttemptCause, StateReason
from watchkeeper.domain.principals import Right
from watchkeeper.interfaces.api.answers import answer
from watchkeeper.interfaces.api.auth import Here, Holder
from watchkeeper.interfaces.api.completions import RETRY_AFTER_SECONDS
from watchkeeper.interfaces.api.documents import TIME, declared
from watchkeeper.interfaces.api.guarded import ContractRoute, GuardedRoute
from watchkeeper.interfaces.api.schemas import (
    CompleteBody,
    FailBody,
    NothingBody,
    ProgressBody,
    ReleaseBody,
    VerifyBody,
)
from watchkeeper.interfaces.api.state import state_of
from watchkeeper.interfaces.api.uploads import received_files
from watchkeeper.services.contract import Failure
from watchkeeper.services.holding import Caller

contract = APIRouter(prefix="/api/worker/jobs", tags=["worker"], route_class=ContractRoute)
runtime = APIRouter(prefix="/api/worker/jobs", tags=["worker"], route_class=GuardedRoute)

JobName = Annotated[str, Path(description="The job's id, or its foreign id.", max_length=500)]
ENDED = {"status": "pending", "next_run_at": TIME}


@contract.get(
    "/{job:path}/context",
    **declared(
        Right.CONTRACT,
        command="context",
        example={"job": {}, "contract": None, "previous_attempts": [], "lessons": [], "artifacts": []},
    ),
)
async def context(job: JobName, access: Here, caller: Holder) -> Response:
    """Give a job, what happened to it before, and what it has produced."""
    return answer(**await access.app.contract.context(caller, job))


@contract.post(
    "/{job:path}/progress",
    **declared(
        Right.CONTRACT,
        command="progress",
        key="optional",
        example={
            "status": "running",
            "lease_expires_at": TIME,
            "cancel_requested": False,
            "touch_requested": False,
            "requested": [],
        },
    ),
)
async def progress(job: JobName, body: ProgressBody, access: Here, caller: Holder) -> Response:
    """Say that the job moves; renews the lease."""
    return answer(**await access.app.contract.progress(caller, job, body.message, body.phase, body.payload))


@contract.post(
    "/{job:path}/files",
    **declared(
        Right.CONTRACT,
        name="upload_files",
        command="upload-files",
        files=True,
        example={
            "artifacts": [
                {
                    "id": "019aa5c0-8a00-7000-8000-000000000001",
                    "kind": "html_page",
                    "name": "index.html",
                    "url": "artifact:019aa5c0-8a00-7000-8000-000000000001",
                    "sha256": "0" * 64,
                    "bytes": 512,
                }
            ],
            "skipped": None,
        },
    ),
)
async def files(job: JobName, access: Here, caller: Holder, request: Request) -> Response:
    """Store files of a job: multipart, field `files`, each under its name relative to the workspace."""
    await access.app.contract.prove(caller, job, "upload")
    async with received_files(request, access.app.settings) as received:
        return answer(**await access.app.contract.upload(caller, job, received))


@contract.post(
    "/{job:path}/verify",
    **declared(
        Right.CONTRACT,
        command="verify",
        example={"http_status": 200, "file_count": 1, "files": [], "output_hash": "0" * 64, "failed": []},
    ),
)
async def verify(job: JobName, body: VerifyBody, access: Here, caller: Holder) -> Response:
    """Say what the gate would find now; never changes the job."""
    return answer(**await access.app.checking.verify(caller, job, body.url, body.artifacts))


GOES_ON = {
    "description": "The check goes on; `Retry-After` says in how many seconds to repeat the request.",
    "headers": {"Retry-After": {"required": True, "schema": {"type": "integer", "minimum": 1}}},
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Answer"}}},
}


@contract.post(
    "/{job:path}/complete",
    **declared(
        Right.CONTRACT,
        command="complete",
        key="optional",
        example={"status": "completed", "verified": "artifact"},
        answers={202: GOES_ON},
    ),
)
async def complete(
    job: JobName, body: CompleteBody, access: Here, caller: Holder, request: Request
) -> Response:
    """Complete a job, if its evidence passes; 202 while the check goes on: repeat it to learn the end."""
    done = await state_of(request).completions.run(
        (caller.project_id, job, _asked(caller, body)),
        lambda: access.app.checking.complete(caller, job, body.summary, body.artifacts),
    )
    if done is None:
        return answer(202, {"Retry-After": str(RETRY_AFTER_SECONDS)}, status="running", phase="verifying")
    return answer(**done)


def _asked(caller: Caller, body: CompleteBody) -> str:
    """Give what stands for a completion: who sends it, under which lease, with which artifacts."""
    held = f"{caller.principal.id}/{caller.principal.job_epoch}/{caller.lease_token}"
    said = json.dumps([held, body.artifacts], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()


@contract.post(
    "/{job:path}/fail",
    **declared(Right.CONTRACT, command="fail", key="optional", example=ENDED),
)
async def fail(job: JobName, body: FailBody, access: Here, caller: Holder) -> Response:
    """End the attempt as failed; the job is tried again as its kind says, or is failed."""
    failure = Failure(
        "fail",
        body.reason,
        AttemptCause(body.cause),
        retry_at=body.retry_at,
        parks_pool=body.parks_pool,
        held=None if body.held is None else StateReason(body.held),
        detail={"failure_class": body.failure_class, "evidence": body.evidence} if body.held else None,
    )
    return answer(**await access.app.contract.end(caller, job, failure))


@contract.post(
    "/{job:path}/release",
    **declared(Right.CONTRACT, command="release", key="optional", example=ENDED),
)
async def release(job: JobName, body: ReleaseBody, access: Here, caller: Holder) -> Response:
    """Hand the job back; nothing is used up unless its attempt was lost."""
    failure = Failure("release", body.reason, AttemptCause.OPERATOR, body.lost, body.cancelled)
    return answer(**await access.app.contract.end(caller, job, failure))


@runtime.post(
    "/{job:path}/token",
    **declared(Right.CONTRACT, example={"token": "wkj_...", "expires_at": None}),
)
async def token(
    job: JobName,
    body: NothingBody,  # noqa: ARG001 - read, so that unknown keys are refused
    access: Here,
    caller: Holder,
) -> Response:
    """Make a token for whoever does this attempt: it calls this job's commands, and dies with the lease."""
    if access.principal.job_seq is not None:
        raise PermissionDenied("a job token makes no further tokens")
    lease = await access.app.contract.prove(caller, job)
    made = await access.app.identity.create_job_token(access.principal, caller.project_id, lease)
    return answer(token=made.secret, expires_at=made.expires_at)
