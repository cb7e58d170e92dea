"""The contract: what a worker says from `doctor` to `complete`, under its lease.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from typing import TypedDict, Unpack, cast

from watchkeeper.client.calling import Files, Group, Operation
from watchkeeper.client.types.worker import (
    ClaimBody,
    CompleteBody,
    DoctorBody,
    FailBody,
    NothingBody,
    ProgressBody,
    RegisterBody,
    ReleaseBody,
    RenewBody,
    TouchBody,
    VerifyBody,
    WorkerClaimAnswer,
    WorkerCompleteAnswer,
    WorkerContextAnswer,
    WorkerDoctorAnswer,
    WorkerFailAnswer,
    WorkerProgressAnswer,
    WorkerRegisterAnswer,
    WorkerReleaseAnswer,
    WorkerRenewAnswer,
    WorkerTokenAnswer,
    WorkerTouchAnswer,
    WorkerUploadFilesAnswer,
    WorkerVerifyAnswer,
)


class WorkerClaimSaid(ClaimBody, total=False):
    project: str


class WorkerDoctorSaid(DoctorBody, total=False):
    project: str


class WorkerCompleteSaid(CompleteBody, total=False):
    project: str
    lease: str
    idempotency_key: str


class WorkerContextSaid(TypedDict, total=False):
    project: str
    lease: str


class WorkerFailSaid(FailBody, total=False):
    project: str
    lease: str
    idempotency_key: str


class WorkerUploadFilesSaid(TypedDict, total=False):
    project: str
    lease: str


class WorkerProgressSaid(ProgressBody, total=False):
    project: str
    lease: str
    idempotency_key: str


class WorkerReleaseSaid(ReleaseBody, total=False):
    project: str
    lease: str
    idempotency_key: str


class WorkerTokenSaid(NothingBody, total=False):
    project: str
    lease: str


class WorkerVerifySaid(VerifyBody, total=False):
    project: str
    lease: str


class WorkerRegisterSaid(RegisterBody, total=False):
    project: str


class WorkerRenewSaid(RenewBody, total=False):
    project: str


class WorkerTouchSaid(TouchBody, total=False):
    project: str


_CLAIM = Operation("POST", "/api/worker/claim")

_DOCTOR = Operation("POST", "/api/worker/doctor")

_COMPLETE = Operation("POST", "/api/worker/jobs/{job}/complete", (), takes_key=True)

_CONTEXT = Operation("GET", "/api/worker/jobs/{job}/context")

_FAIL = Operation("POST", "/api/worker/jobs/{job}/fail", (), takes_key=True)

_UPLOAD_FILES = Operation("POST", "/api/worker/jobs/{job}/files")

_PROGRESS = Operation("POST", "/api/worker/jobs/{job}/progress", (), takes_key=True)

_RELEASE = Operation("POST", "/api/worker/jobs/{job}/release", (), takes_key=True)

_TOKEN = Operation("POST", "/api/worker/jobs/{job}/token")

_VERIFY = Operation("POST", "/api/worker/jobs/{job}/verify")

_REGISTER = Operation("POST", "/api/worker/register")

_RENEW = Operation("POST", "/api/worker/renew")

_TOUCH = Operation("POST", "/api/worker/touch")


class WorkerGroup(Group):
    """The contract: what a worker says from `doctor` to `complete`, under its lease."""

    def claim(self, **said: Unpack[WorkerClaimSaid]) -> WorkerClaimAnswer:
        """Take a job, or several for a runtime worker, under new leases."""
        return cast("WorkerClaimAnswer", self._connection.json(_CLAIM, {}, said))

    def doctor(self, **said: Unpack[WorkerDoctorSaid]) -> WorkerDoctorAnswer:
        """Check that a worker can work."""
        return cast("WorkerDoctorAnswer", self._connection.json(_DOCTOR, {}, said))

    def complete(self, job: str, **said: Unpack[WorkerCompleteSaid]) -> WorkerCompleteAnswer:
        """Complete a job, if its evidence passes."""
        return cast("WorkerCompleteAnswer", self._connection.json(_COMPLETE, {"job": job}, said))

    def context(self, job: str, **said: Unpack[WorkerContextSaid]) -> WorkerContextAnswer:
        """Give a job, what happened to it before."""
        return cast("WorkerContextAnswer", self._connection.json(_CONTEXT, {"job": job}, said))

    def fail(self, job: str, **said: Unpack[WorkerFailSaid]) -> WorkerFailAnswer:
        """End the attempt as failed."""
        return cast("WorkerFailAnswer", self._connection.json(_FAIL, {"job": job}, said))

    def upload_files(
        self, job: str, files: Files, **said: Unpack[WorkerUploadFilesSaid]
    ) -> WorkerUploadFilesAnswer:
        """Store files of a job."""
        return cast(
            "WorkerUploadFilesAnswer", self._connection.upload(_UPLOAD_FILES, {"job": job}, said, files)
        )

    def progress(self, job: str, **said: Unpack[WorkerProgressSaid]) -> WorkerProgressAnswer:
        """Say that the job moves."""
        return cast("WorkerProgressAnswer", self._connection.json(_PROGRESS, {"job": job}, said))

    def release(self, job: str, **said: Unpack[WorkerReleaseSaid]) -> WorkerReleaseAnswer:
        """Hand the job back."""
        return cast("WorkerReleaseAnswer", self._connection.json(_RELEASE, {"job": job}, said))

    def token(self, job: str, **said: Unpack[WorkerTokenSaid]) -> WorkerTokenAnswer:
        """Make a token for whoever does this attempt."""
        return cast("WorkerTokenAnswer", self._connection.json(_TOKEN, {"job": job}, said))

    def verify(self, job: str, **said: Unpack[WorkerVerifySaid]) -> WorkerVerifyAnswer:
        """Say what the gate would find now."""
        return cast("WorkerVerifyAnswer", self._connection.json(_VERIFY, {"job": job}, said))

    def register(self, **said: Unpack[WorkerRegisterSaid]) -> WorkerRegisterAnswer:
        """Make a runtime worker known, with its slots."""
        return cast("WorkerRegisterAnswer", self._connection.json(_REGISTER, {}, said))

    def renew(self, **said: Unpack[WorkerRenewSaid]) -> WorkerRenewAnswer:
        """Renew leases in one statement."""
        return cast("WorkerRenewAnswer", self._connection.json(_RENEW, {}, said))

    def touch(self, **said: Unpack[WorkerTouchSaid]) -> WorkerTouchAnswer:
        """Say that a worker is there."""
        return cast("WorkerTouchAnswer", self._connection.json(_TOUCH, {}, said))
