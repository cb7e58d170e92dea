"""The bodies of what is recorded from outside, with the field names of those who send it.

`id` is optional everywhere: a record that brings one is kept once. Times are the sender's, and decide nothing.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Discriminator, Field, StringConstraints, Tag

from watchkeeper.domain.config.checks import MOST_CHECKS
from watchkeeper.domain.mirrored import HELPER, AttemptReport, LeaseAction
from watchkeeper.domain.redaction import KIND
from watchkeeper.domain.reports import CommandRun, Counters, Heartbeat, OutsideCheck, QueueCounters, WorkerRun
from watchkeeper.interfaces.api.schemas import Body, Key, Reason, Text, Time, Word, WorkerId

MAX_RECORDS = 1_000
MOST = 2_147_483_647
LONGEST_AGE_SECONDS = 10 * 366 * 86_400

Address = Annotated[str, StringConstraints(min_length=1, max_length=4096)]
Hash = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z:_-]{1,200}$")]
RecordId = Annotated[UUID, Field(strict=False)]
Kinds = Annotated[
    list[Annotated[str, StringConstraints(pattern=f"^{KIND.pattern}$")]],
    Field(max_length=50, description="Kinds of secrets that the sender took out of the text."),
]
Count = Annotated[int, Field(ge=0, le=MOST)]


class HeartbeatBody(Body):
    """One round of a worker; `current_job_id` null with `claim_ok` true is a round without a job.

    `answers` are what the steps answered, under their names; the config document's checks are judged by them.
    """

    worker_id: WorkerId
    id: RecordId | None = None
    automation_id: Word | None = None
    status: Word = "ok"
    doctor_ok: bool | None = None
    touch_ok: bool | None = None
    claim_ok: bool | None = None
    current_job_id: Key | None = None
    lease_expires_at: Time | None = None
    created_at: Time | None = None
    origin: Word = HELPER
    kind: Word | None = None
    attempt_id: Key | None = None
    answers: dict[Word, dict[str, Any]] = Field(default_factory=dict, max_length=MOST_CHECKS)

    def record(self) -> Heartbeat:
        return Heartbeat(
            self.worker_id,
            self.status,
            self.automation_id,
            self.doctor_ok,
            self.touch_ok,
            self.claim_ok,
            self.current_job_id,
            self.origin,
            self.kind,
            self.attempt_id,
            self.lease_expires_at,
            self.id,
            self.created_at,
            self.answers,
        )


class QueueBody(Body):
    """The counters of one kind. `claimed_total` only rises: with it a queue that moves is told from one that stands."""

    kind: Word
    ready: Count
    scheduled: Count = 0
    running: Count = 0
    stuck: Count = 0
    paused: Count = 0
    oldest_ready_age_s: float | None = Field(None, ge=0, le=LONGEST_AGE_SECONDS)
    eligible_workers: Count | None = None
    claimed_total: int | None = Field(None, ge=0, le=2**63 - 1)
    is_paused: bool = False


class CountersBody(Body):
    """The counters of a foreign queue."""

    queues: list[QueueBody] = Field(max_length=MAX_RECORDS)
    origin: Word = HELPER
    generated_at: Time | None = None

    def record(self) -> Counters:
        queues = [QueueCounters(**queue.model_dump()) for queue in self.queues]
        return Counters(queues, self.origin, self.generated_at)


class WorkerRunBody(Body):
    """One phase of an attempt and how it went."""

    worker_id: WorkerId
    phase: Word
    status: Literal["ok", "failed", "retried", "stuck"]
    id: RecordId | None = None
    job_id: Key | None = None
    started_at: Time | None = None
    ended_at: Time | None = None
    message: Text | None = None
    payload: Any = None
    origin: Word = HELPER
    kind: Word | None = None
    attempt_id: Key | None = None
    redacted: Kinds = Field(default_factory=list)

    def record(self) -> WorkerRun:
        return WorkerRun(
            self.worker_id,
            self.phase,
            self.status,
            self.job_id,
            self.origin,
            self.kind,
            self.attempt_id,
            self.message,
            self.payload,
            self.started_at,
            self.ended_at,
            self.id,
            self.redacted,
        )


class HelperEventBody(Body):
    """One execution of a helper's command. Of `output` the redacted text and its hash are kept."""

    command: Word
    exit_code: int = Field(ge=-MOST, le=MOST)
    id: RecordId | None = None
    worker_id: WorkerId | None = None
    job_id: Key | None = None
    output: Text | None = None
    output_hash: Hash | None = None
    error_code: Word | None = None
    created_at: Time | None = None
    origin: Word = HELPER
    kind: Word | None = None
    redacted: Kinds = Field(default_factory=list)

    def record(self) -> CommandRun:
        return CommandRun(
            self.command,
            self.exit_code,
            self.worker_id,
            self.job_id,
            self.origin,
            self.kind,
            self.output,
            self.output_hash,
            self.error_code,
            self.id,
            self.created_at,
            self.redacted,
        )


class ArtifactCheckBody(Body):
    """One look at a mirrored job's primary artifact; `failed` names what did not pass."""

    job_id: Key
    primary_url: Address
    http_status: int | None = Field(None, ge=100, le=599)
    file_count: Count = 0
    id: RecordId | None = None
    command: Literal["verify", "complete"] = "verify"
    files: list[dict[str, Any]] = Field(default_factory=list, max_length=10_000)
    failed: list[dict[str, Any]] = Field(default_factory=list, max_length=1_000)
    output: Text | None = None
    output_hash: Hash | None = None
    checked_at: Time | None = None
    origin: Word = HELPER
    kind: Word | None = None

    def record(self) -> OutsideCheck:
        return OutsideCheck(
            self.job_id,
            self.primary_url,
            self.http_status,
            self.file_count,
            self.command,
            self.origin,
            self.kind,
            self.files,
            self.failed,
            self.output,
            self.output_hash,
            self.id,
            self.checked_at,
        )


class JobAttemptBody(Body):
    """Where an attempt at a mirrored job stands. `complete_status` may end it: docs/reference/http-api.md says how."""

    job_id: Key
    worker_id: WorkerId
    id: RecordId | None = None
    attempt_id: Key | None = None
    phase: Word | None = None
    primary_artifact_ref: Address | None = None
    complete_status: Word | None = None
    error_code: Word | None = None
    error_message: Text | None = None
    started_at: Time | None = None
    completed_at: Time | None = None
    lease_expires_at: Time | None = None
    origin: Word = HELPER
    kind: Word | None = None
    redacted: Kinds = Field(default_factory=list)

    def record(self) -> AttemptReport:
        return AttemptReport(
            self.job_id,
            self.worker_id,
            self.origin,
            self.kind,
            self.attempt_id,
            self.phase,
            self.lease_expires_at,
            None,
            self.primary_artifact_ref,
            self.complete_status,
            self.error_code,
            self.error_message,
            redacted=self.redacted,
            report_id=None if self.id is None else str(self.id),
        )


class LeaseBody(Body):
    """Either `action` with its `reason`, for supervisors, or what is reported of a mirrored job's lease.

    `job_id` says again what the address says, and `risk_level` what follows from the rest: it is told, not gone by.
    """

    action: LeaseAction | None = Field(None, strict=False)
    reason: Reason | None = None
    last_heartbeat_at: Time | None = None
    lease_expires_at: Time | None = None
    job_id: Key | None = None
    risk_level: Literal["normal", "near_expiry", "expired", "stale"] | None = None


def _health(given: Any) -> str:
    if isinstance(given, list):
        return "list[HealthBody]"
    return "CountersBody" if isinstance(given, dict) and "queues" in given else "HeartbeatBody"


def _many(given: Any) -> str:
    return "list[Body]" if isinstance(given, list) else "OneBody"


HealthBody = Annotated[
    Annotated[HeartbeatBody, Tag("HeartbeatBody")] | Annotated[CountersBody, Tag("CountersBody")],
    Discriminator(_health),
]
HealthOrList = Annotated[
    Annotated[HeartbeatBody, Tag("HeartbeatBody")]
    | Annotated[CountersBody, Tag("CountersBody")]
    | Annotated[list[HealthBody], Field(max_length=MAX_RECORDS), Tag("list[HealthBody]")],
    Discriminator(_health),
]
WorkerRunOrList = Annotated[
    Annotated[WorkerRunBody, Tag("OneBody")]
    | Annotated[list[WorkerRunBody], Field(max_length=MAX_RECORDS), Tag("list[Body]")],
    Discriminator(_many),
]
HelperEventOrList = Annotated[
    Annotated[HelperEventBody, Tag("OneBody")]
    | Annotated[list[HelperEventBody], Field(max_length=MAX_RECORDS), Tag("list[Body]")],
    Discriminator(_many),
]
ArtifactCheckOrList = Annotated[
    Annotated[ArtifactCheckBody, Tag("OneBody")]
    | Annotated[list[ArtifactCheckBody], Field(max_length=MAX_RECORDS), Tag("list[Body]")],
    Discriminator(_many),
]
JobAttemptOrList = Annotated[
    Annotated[JobAttemptBody, Tag("OneBody")]
    | Annotated[list[JobAttemptBody], Field(max_length=MAX_RECORDS), Tag("list[Body]")],
    Discriminator(_many),
]
