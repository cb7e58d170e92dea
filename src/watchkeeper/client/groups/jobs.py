"""Enqueue, look at, move.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, TypedDict, Unpack, cast

from watchkeeper.client.calling import Group, Operation
from watchkeeper.client.types.jobs import (
    Job,
    JobActBody,
    JobBody,
    JobsCancelAnswer,
    JobsEnqueueAnswer,
    JobsFailAnswer,
    JobsListAnswer,
    JobsMarksAnswer,
    JobsPauseAnswer,
    JobsRequeueAnswer,
    JobsResumeAnswer,
    JobsShowAnswer,
    JobsTimelineAnswer,
)
from watchkeeper.client.types.shared import ReasonBody


class JobsListSaid(TypedDict, total=False):
    state: Literal["pending", "running", "completed", "failed", "stuck", "paused", "cancelled"] | None
    kind: str | None
    limit: int
    cursor: str | None
    format: Literal["json", "csv"]
    project: str


class JobsEnqueueSaid(TypedDict, total=False):
    project: str
    idempotency_key: str
    dry_run: bool


class JobsShowSaid(TypedDict, total=False):
    project: str


class JobsCancelSaid(JobActBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool
    if_match: str


class JobsFailSaid(ReasonBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool
    if_match: str


class JobsMarksSaid(TypedDict, total=False):
    format: Literal["json", "csv"]
    project: str


class JobsPauseSaid(ReasonBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool
    if_match: str


class JobsRequeueSaid(ReasonBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool
    if_match: str


class JobsResumeSaid(ReasonBody, total=False):
    project: str
    idempotency_key: str
    dry_run: bool
    if_match: str


class JobsTimelineSaid(TypedDict, total=False):
    project: str


_LIST = Operation("GET", "/api/jobs", ("state", "kind", "limit", "cursor", "format"))

_ENQUEUE = Operation("POST", "/api/jobs", (), takes_key=True)

_SHOW = Operation("GET", "/api/jobs/{job}")

_CANCEL = Operation("POST", "/api/jobs/{job}/cancel", (), takes_key=True)

_FAIL = Operation("POST", "/api/jobs/{job}/fail", (), takes_key=True)

_MARKS = Operation("GET", "/api/jobs/{job}/marks", ("format",))

_PAUSE = Operation("POST", "/api/jobs/{job}/pause", (), takes_key=True)

_REQUEUE = Operation("POST", "/api/jobs/{job}/requeue", (), takes_key=True)

_RESUME = Operation("POST", "/api/jobs/{job}/resume", (), takes_key=True)

_TIMELINE = Operation("GET", "/api/jobs/{job}/timeline")


class JobsGroup(Group):
    """Enqueue, look at, move."""

    def list(self, **said: Unpack[JobsListSaid]) -> JobsListAnswer:
        """List jobs, the newest first."""
        return cast("JobsListAnswer", self._connection.json(_LIST, {}, said))

    def iterate(self, **said: Unpack[JobsListSaid]) -> Iterator[Job]:
        """Go through all of them, page by page."""
        return self._connection.pages(_LIST, {}, said, "jobs")

    def enqueue(
        self, body: JobBody | Sequence[JobBody], **said: Unpack[JobsEnqueueSaid]
    ) -> JobsEnqueueAnswer:
        """Add one job, or a list in one transaction."""
        return cast("JobsEnqueueAnswer", self._connection.json(_ENQUEUE, {}, said, body))

    def show(self, job: str, **said: Unpack[JobsShowSaid]) -> JobsShowAnswer:
        """Give one job with its attempts and artifacts."""
        return cast("JobsShowAnswer", self._connection.json(_SHOW, {"job": job}, said))

    def cancel(self, job: str, **said: Unpack[JobsCancelSaid]) -> JobsCancelAnswer:
        """Cancel a job."""
        return cast("JobsCancelAnswer", self._connection.json(_CANCEL, {"job": job}, said))

    def fail(self, job: str, **said: Unpack[JobsFailSaid]) -> JobsFailAnswer:
        """Fail a job."""
        return cast("JobsFailAnswer", self._connection.json(_FAIL, {"job": job}, said))

    def marks(self, job: str, **said: Unpack[JobsMarksSaid]) -> JobsMarksAnswer:
        """Give what a job's timeline is drawn from."""
        return cast("JobsMarksAnswer", self._connection.json(_MARKS, {"job": job}, said))

    def pause(self, job: str, **said: Unpack[JobsPauseSaid]) -> JobsPauseAnswer:
        """Pause a job."""
        return cast("JobsPauseAnswer", self._connection.json(_PAUSE, {"job": job}, said))

    def requeue(self, job: str, **said: Unpack[JobsRequeueSaid]) -> JobsRequeueAnswer:
        """Try a job again."""
        return cast("JobsRequeueAnswer", self._connection.json(_REQUEUE, {"job": job}, said))

    def resume(self, job: str, **said: Unpack[JobsResumeSaid]) -> JobsResumeAnswer:
        """Make a paused or stuck job pending again."""
        return cast("JobsResumeAnswer", self._connection.json(_RESUME, {"job": job}, said))

    def timeline(self, job: str, **said: Unpack[JobsTimelineSaid]) -> JobsTimelineAnswer:
        """Give what is known of a job in order of time."""
        return cast("JobsTimelineAnswer", self._connection.json(_TIMELINE, {"job": job}, said))
