"""Types: The contract: what a worker says from `doctor` to `complete`, under its lease.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, NotRequired, TypedDict


class ClaimBody(TypedDict):
    """`kinds` empty or left out takes any."""

    held: NotRequired[list[str] | None]
    kinds: NotRequired[list[str] | None]
    limit: NotRequired[int]
    wait_seconds: NotRequired[float]
    worker_id: str


class CompleteBody(TypedDict):
    """`artifacts` is a list of entries, or an object that holds one as `artifacts`."""

    artifacts: NotRequired[list[Any] | dict[str, Any]]
    summary: str


class DoctorBody(TypedDict):
    system: NotRequired[bool]
    worker_id: NotRequired[str | None]


class FailBody(TypedDict):
    """`retry_at` says when to come back."""

    cause: NotRequired[Literal["agent_error", "infrastructure", "quota", "gate", "operator"]]
    evidence: NotRequired[dict[str, Any] | None]
    failure_class: NotRequired[str | None]
    held: NotRequired[Literal["agent_stalled", "crash_loop", "budget", "gate_failed"] | None]
    parks_pool: NotRequired[bool]
    reason: str
    retry_at: NotRequired[datetime | str | None]


class HeldLeaseBody(TypedDict):
    job: str
    token: str


class NothingBody(TypedDict):
    """No keys."""


class ProgressBody(TypedDict):
    message: str
    payload: NotRequired[Any]
    phase: str


class RegisterBody(TypedDict):
    host_id: NotRequired[str | None]
    kinds: NotRequired[list[str] | None]
    persona: NotRequired[str | None]
    pool: NotRequired[str]
    profile: NotRequired[Literal["runtime"]]
    role: NotRequired[str | None]
    slots: NotRequired[int]
    version: NotRequired[str | None]
    worker_id: str


class ReleaseBody(TypedDict):
    """`lost`."""

    cancelled: NotRequired[bool]
    lost: NotRequired[bool]
    reason: str


class RenewBody(TypedDict):
    leases: list[HeldLeaseBody]
    worker_id: str


class TouchBody(TypedDict):
    automation_id: NotRequired[str | None]
    worker_id: str


class VerifyBody(TypedDict):
    """`url` names the primary, or `artifacts` what a completion would."""

    artifacts: NotRequired[list[Any] | dict[str, Any] | None]
    url: NotRequired[str | None]


class WorkerArtifact(TypedDict):
    bytes: NotRequired[int | None]
    id: NotRequired[str | None]
    kind: NotRequired[str | None]
    name: NotRequired[str | None]
    sha256: NotRequired[str | None]
    url: NotRequired[str | None]


class WorkerCheck(TypedDict):
    detail: NotRequired[str | None]
    name: NotRequired[str | None]
    ok: NotRequired[bool | None]


class WorkerClaimAnswer(TypedDict):
    declined: list[Any]
    job: NotRequired[WorkerJob | None]
    jobs: list[WorkerJob]
    no_job_count: int
    ok: bool


class WorkerCompleteAnswer(TypedDict):
    ok: bool
    status: str
    verified: str


class WorkerContextAnswer(TypedDict):
    artifacts: list[Any]
    contract: Any
    job: dict[str, Any]
    lessons: list[Any]
    ok: bool
    previous_attempts: list[Any]


class WorkerContract(TypedDict):
    required_kinds: NotRequired[list[str] | None]


class WorkerDatabase(TypedDict):
    ok: NotRequired[bool | None]


class WorkerDoctorAnswer(TypedDict):
    checks: list[WorkerCheck]
    database: WorkerDatabase
    ok: bool
    server: WorkerServer
    token_present: bool
    touch: WorkerTouch
    worker_id: str


class WorkerFailAnswer(TypedDict):
    next_run_at: str
    ok: bool
    status: str


class WorkerJob(TypedDict):
    attempt: NotRequired[int | None]
    contract: NotRequired[WorkerContract | None]
    deliverable_id: NotRequired[Any]
    epoch: NotRequired[int | None]
    external_id: NotRequired[Any]
    id: NotRequired[str | None]
    kind: NotRequired[str | None]
    lease_expires_at: NotRequired[str | None]
    lease_seconds: NotRequired[float | None]
    lease_token: NotRequired[str | None]
    payload: NotRequired[WorkerPayload | None]
    project_id: NotRequired[str | None]
    redelivered: NotRequired[bool | None]


class WorkerPayload(TypedDict):
    topic: NotRequired[str | None]


class WorkerProgressAnswer(TypedDict):
    cancel_requested: bool
    lease_expires_at: str
    ok: bool
    requested: list[Any]
    status: str
    touch_requested: bool


class WorkerRegisterAnswer(TypedDict):
    lease_seconds: float
    ok: bool
    renew_seconds: float
    stopped: bool
    worker_id: str


class WorkerReleaseAnswer(TypedDict):
    next_run_at: str
    ok: bool
    status: str


class WorkerRenewAnswer(TypedDict):
    cancel_requested: list[Any]
    lost: list[Any]
    ok: bool
    renewed: list[WorkerRenewed]
    session_requests: list[WorkerSessionRequest]
    touch_requested: bool


class WorkerRenewed(TypedDict):
    job: NotRequired[str | None]
    lease_expires_at: NotRequired[str | None]


class WorkerServer(TypedDict):
    ok: NotRequired[bool | None]
    version: NotRequired[str | None]


class WorkerSessionRequest(TypedDict):
    action: NotRequired[str | None]
    epoch: NotRequired[int | None]
    insists: NotRequired[bool | None]
    job: NotRequired[str | None]
    repair: NotRequired[str | None]
    session: NotRequired[int | None]


class WorkerTokenAnswer(TypedDict):
    expires_at: Any
    ok: bool
    token: str


class WorkerTouch(TypedDict):
    ok: NotRequired[bool | None]


class WorkerTouchAnswer(TypedDict):
    health: str
    ok: bool
    requested: list[Any]
    touch_requested: bool
    touched: bool
    worker_id: str


class WorkerUploadFilesAnswer(TypedDict):
    artifacts: list[WorkerArtifact]
    ok: bool
    skipped: Any


class WorkerVerifyAnswer(TypedDict):
    failed: list[Any]
    file_count: int
    files: list[Any]
    http_status: int
    ok: bool
    output_hash: str
