"""Types: What other platforms report of their own queues and workers.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, NotRequired, TypedDict


class ArtifactCheckBody(TypedDict):
    """One look at a mirrored job's primary artifact."""

    checked_at: NotRequired[datetime | str | None]
    command: NotRequired[Literal["verify", "complete"]]
    failed: NotRequired[list[dict[str, Any]]]
    file_count: NotRequired[int]
    files: NotRequired[list[dict[str, Any]]]
    http_status: NotRequired[int | None]
    id: NotRequired[str | None]
    job_id: str
    kind: NotRequired[str | None]
    origin: NotRequired[str]
    output: NotRequired[str | None]
    output_hash: NotRequired[str | None]
    primary_url: str


class CountersBody(TypedDict):
    """The counters of a foreign queue."""

    generated_at: NotRequired[datetime | str | None]
    origin: NotRequired[str]
    queues: list[QueueBody]


class HeartbeatBody(TypedDict):
    """One round of a worker."""

    answers: NotRequired[dict[str, Any]]
    attempt_id: NotRequired[str | None]
    automation_id: NotRequired[str | None]
    claim_ok: NotRequired[bool | None]
    created_at: NotRequired[datetime | str | None]
    current_job_id: NotRequired[str | None]
    doctor_ok: NotRequired[bool | None]
    id: NotRequired[str | None]
    kind: NotRequired[str | None]
    lease_expires_at: NotRequired[datetime | str | None]
    origin: NotRequired[str]
    status: NotRequired[str]
    touch_ok: NotRequired[bool | None]
    worker_id: str


class HelperEventBody(TypedDict):
    """One execution of a helper's command."""

    command: str
    created_at: NotRequired[datetime | str | None]
    error_code: NotRequired[str | None]
    exit_code: int
    id: NotRequired[str | None]
    job_id: NotRequired[str | None]
    kind: NotRequired[str | None]
    origin: NotRequired[str]
    output: NotRequired[str | None]
    output_hash: NotRequired[str | None]
    redacted: NotRequired[list[str]]
    worker_id: NotRequired[str | None]


class JobAttemptBody(TypedDict):
    """Where an attempt at a mirrored job stands."""

    attempt_id: NotRequired[str | None]
    complete_status: NotRequired[str | None]
    completed_at: NotRequired[datetime | str | None]
    error_code: NotRequired[str | None]
    error_message: NotRequired[str | None]
    id: NotRequired[str | None]
    job_id: str
    kind: NotRequired[str | None]
    lease_expires_at: NotRequired[datetime | str | None]
    origin: NotRequired[str]
    phase: NotRequired[str | None]
    primary_artifact_ref: NotRequired[str | None]
    redacted: NotRequired[list[str]]
    started_at: NotRequired[datetime | str | None]
    worker_id: str


LeaseAction = Literal["release", "reclaim", "mark_stale"]


class LeaseBody(TypedDict):
    """Either `action` with its `reason`, for supervisors, or what is reported of a mirrored job's lease."""

    action: NotRequired[LeaseAction | None]
    job_id: NotRequired[str | None]
    last_heartbeat_at: NotRequired[datetime | str | None]
    lease_expires_at: NotRequired[datetime | str | None]
    reason: NotRequired[str | None]
    risk_level: NotRequired[Literal["normal", "near_expiry", "expired", "stale"] | None]


class QueueBody(TypedDict):
    """The counters of one kind."""

    claimed_total: NotRequired[int | None]
    eligible_workers: NotRequired[int | None]
    is_paused: NotRequired[bool]
    kind: str
    oldest_ready_age_s: NotRequired[float | None]
    paused: NotRequired[int]
    ready: int
    running: NotRequired[int]
    scheduled: NotRequired[int]
    stuck: NotRequired[int]


class RecordingArtifactChecksAnswer(TypedDict):
    existing: NotRequired[bool | None]
    id: NotRequired[str | None]
    job: NotRequired[RecordingJob | None]
    ok: bool
    passed: NotRequired[bool | None]


class RecordingArtifactVerificationsAnswer(TypedDict):
    existing: NotRequired[bool | None]
    id: NotRequired[str | None]
    job: NotRequired[RecordingJob | None]
    ok: bool
    passed: NotRequired[bool | None]


class RecordingHealthAnswer(TypedDict):
    existing: NotRequired[bool | None]
    id: NotRequired[str | None]
    job: NotRequired[RecordingJob | None]
    no_job_count: NotRequired[int | None]
    ok: bool
    requested: NotRequired[list[Any] | None]
    stop_reason: NotRequired[Any]
    stopped: NotRequired[bool | None]
    touch_requested: NotRequired[bool | None]


class RecordingHeartbeatAnswer(TypedDict):
    existing: NotRequired[bool | None]
    id: NotRequired[str | None]
    job: NotRequired[RecordingJob | None]
    no_job_count: NotRequired[int | None]
    ok: bool
    requested: NotRequired[list[Any] | None]
    stop_reason: NotRequired[Any]
    stopped: NotRequired[bool | None]
    touch_requested: NotRequired[bool | None]


class RecordingHelperEventsAnswer(TypedDict):
    existing: NotRequired[bool | None]
    id: NotRequired[str | None]
    job: NotRequired[RecordingJob | None]
    ok: bool
    requested: NotRequired[list[Any] | None]


class RecordingJob(TypedDict):
    attempt: NotRequired[int | None]
    external_id: NotRequired[str | None]
    id: NotRequired[str | None]
    origin: NotRequired[str | None]
    state: NotRequired[str | None]


class RecordingJobAttemptAnswer(TypedDict):
    job: NotRequired[RecordingJob | None]
    ok: bool


class RecordingJobLeaseAnswer(TypedDict):
    job: RecordingJob
    lease: RecordingLease
    ok: bool


class RecordingLease(TypedDict):
    lease_expires_at: NotRequired[str | None]


class RecordingWorkerRunsAnswer(TypedDict):
    existing: NotRequired[bool | None]
    id: NotRequired[str | None]
    job: NotRequired[RecordingJob | None]
    ok: bool
    requested: NotRequired[list[Any] | None]


class WorkerRunBody(TypedDict):
    """One phase of an attempt and how it went."""

    attempt_id: NotRequired[str | None]
    ended_at: NotRequired[datetime | str | None]
    id: NotRequired[str | None]
    job_id: NotRequired[str | None]
    kind: NotRequired[str | None]
    message: NotRequired[str | None]
    origin: NotRequired[str]
    payload: NotRequired[Any]
    phase: str
    redacted: NotRequired[list[str]]
    started_at: NotRequired[datetime | str | None]
    status: Literal["ok", "failed", "retried", "stuck"]
    worker_id: str
