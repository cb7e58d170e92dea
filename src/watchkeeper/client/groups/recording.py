"""What other platforms report of their own queues and workers.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict, Unpack, cast

from watchkeeper.client.calling import Group, Operation
from watchkeeper.client.types.recording import (
    ArtifactCheckBody,
    CountersBody,
    HeartbeatBody,
    HelperEventBody,
    JobAttemptBody,
    LeaseBody,
    RecordingArtifactChecksAnswer,
    RecordingArtifactVerificationsAnswer,
    RecordingHealthAnswer,
    RecordingHeartbeatAnswer,
    RecordingHelperEventsAnswer,
    RecordingJobAttemptAnswer,
    RecordingJobLeaseAnswer,
    RecordingWorkerRunsAnswer,
    WorkerRunBody,
)


class RecordingHeartbeatSaid(TypedDict, total=False):
    project: str
    idempotency_key: str
    dry_run: bool


class RecordingJobAttemptSaid(TypedDict, total=False):
    project: str
    idempotency_key: str
    dry_run: bool


class RecordingArtifactChecksSaid(TypedDict, total=False):
    project: str
    idempotency_key: str
    dry_run: bool


class RecordingArtifactVerificationsSaid(TypedDict, total=False):
    project: str
    idempotency_key: str
    dry_run: bool


class RecordingHealthSaid(TypedDict, total=False):
    project: str
    idempotency_key: str
    dry_run: bool


class RecordingHelperEventsSaid(TypedDict, total=False):
    project: str
    lease: str
    idempotency_key: str
    dry_run: bool


class RecordingJobLeaseSaid(LeaseBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool


class RecordingWorkerRunsSaid(TypedDict, total=False):
    project: str
    lease: str
    idempotency_key: str
    dry_run: bool


_HEARTBEAT = Operation("POST", "/api/pls/watchdog/heartbeat", (), takes_key=True)

_JOB_ATTEMPT = Operation("POST", "/api/pls/watchdog/job-attempt", (), takes_key=True)

_ARTIFACT_CHECKS = Operation("POST", "/api/watchdog/artifact-checks", (), takes_key=True)

_ARTIFACT_VERIFICATIONS = Operation("POST", "/api/watchdog/artifact-verifications", (), takes_key=True)

_HEALTH = Operation("POST", "/api/watchdog/health", (), takes_key=True)

_HELPER_EVENTS = Operation("POST", "/api/watchdog/helper-events", (), takes_key=True)

_JOB_LEASE = Operation("PATCH", "/api/watchdog/job-leases/{job}", (), takes_key=True)

_WORKER_RUNS = Operation("POST", "/api/watchdog/worker-runs", (), takes_key=True)


class RecordingGroup(Group):
    """What other platforms report of their own queues and workers."""

    def heartbeat(
        self,
        body: HeartbeatBody | CountersBody | Sequence[HeartbeatBody | CountersBody],
        **said: Unpack[RecordingHeartbeatSaid],
    ) -> RecordingHeartbeatAnswer:
        """Keep a worker's heartbeat."""
        return cast("RecordingHeartbeatAnswer", self._connection.json(_HEARTBEAT, {}, said, body))

    def job_attempt(
        self, body: JobAttemptBody | Sequence[JobAttemptBody], **said: Unpack[RecordingJobAttemptSaid]
    ) -> RecordingJobAttemptAnswer:
        """Keep where an attempt at a mirrored job stands."""
        return cast("RecordingJobAttemptAnswer", self._connection.json(_JOB_ATTEMPT, {}, said, body))

    def artifact_checks(
        self,
        body: ArtifactCheckBody | Sequence[ArtifactCheckBody],
        **said: Unpack[RecordingArtifactChecksSaid],
    ) -> RecordingArtifactChecksAnswer:
        """Keep what a look at a mirrored job's artifact found."""
        return cast("RecordingArtifactChecksAnswer", self._connection.json(_ARTIFACT_CHECKS, {}, said, body))

    def artifact_verifications(
        self,
        body: ArtifactCheckBody | Sequence[ArtifactCheckBody],
        **said: Unpack[RecordingArtifactVerificationsSaid],
    ) -> RecordingArtifactVerificationsAnswer:
        """The same under the other name that programs use for it."""
        return cast(
            "RecordingArtifactVerificationsAnswer",
            self._connection.json(_ARTIFACT_VERIFICATIONS, {}, said, body),
        )

    def health(
        self,
        body: HeartbeatBody | CountersBody | Sequence[HeartbeatBody | CountersBody],
        **said: Unpack[RecordingHealthSaid],
    ) -> RecordingHealthAnswer:
        """Keep a worker's heartbeat, or the counters of a foreign queue."""
        return cast("RecordingHealthAnswer", self._connection.json(_HEALTH, {}, said, body))

    def helper_events(
        self, body: HelperEventBody | Sequence[HelperEventBody], **said: Unpack[RecordingHelperEventsSaid]
    ) -> RecordingHelperEventsAnswer:
        """Keep an execution of a helper's command."""
        return cast("RecordingHelperEventsAnswer", self._connection.json(_HELPER_EVENTS, {}, said, body))

    def job_lease(self, job: str, **said: Unpack[RecordingJobLeaseSaid]) -> RecordingJobLeaseAnswer:
        """Report a mirrored job's lease, or as a supervisor release, reclaim or mark it stale with a reason."""
        return cast("RecordingJobLeaseAnswer", self._connection.json(_JOB_LEASE, {"job": job}, said))

    def worker_runs(
        self, body: WorkerRunBody | Sequence[WorkerRunBody], **said: Unpack[RecordingWorkerRunsSaid]
    ) -> RecordingWorkerRunsAnswer:
        """Keep a phase of an attempt and how it went."""
        return cast("RecordingWorkerRunsAnswer", self._connection.json(_WORKER_RUNS, {}, said, body))
