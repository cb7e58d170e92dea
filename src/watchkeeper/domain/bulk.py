"""Acts on all jobs that match a filter: what may be done to jobs of which state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.jobs import JobState

OF_STATES: dict[str, tuple[JobState, ...]] = {
    "cancel": (JobState.PENDING, JobState.PAUSED, JobState.STUCK, JobState.RUNNING),
    "pause": (JobState.PENDING, JobState.RUNNING),
    "resume": (JobState.PAUSED, JobState.STUCK),
    "requeue": (JobState.FAILED, JobState.CANCELLED, JobState.STUCK, JobState.PAUSED),
}
"""For each act the states that it moves jobs out of; a filter names exactly one."""


@dataclass(frozen=True, slots=True)
class BulkFilter:
    """What is to be done to all jobs of a state, of one kind or of all, that were made before a time."""

    what: str
    state: JobState
    kind: str | None
    made_before: datetime

    def __post_init__(self) -> None:
        allowed = OF_STATES.get(self.what)
        if allowed is None:
            raise UsageError(f"{self.what!r} is no bulk act; it is one of {', '.join(OF_STATES)}")
        if self.state not in allowed:
            raise UsageError(f"{self.what} is for jobs that are {', '.join(allowed)}; not {self.state}")
