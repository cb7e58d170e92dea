"""The closed lists that the pages of jobs and sessions show: each value has words."""

from __future__ import annotations

from typing import get_args

from watchkeeper.domain.diagnosis import CAUSES, REASONS, JobFacts, diagnose
from watchkeeper.domain.job_drawing import ROWS
from watchkeeper.domain.jobs import JobState
from watchkeeper.domain.sessions.diagnosis import FailureClass
from watchkeeper.domain.waiting import (
    CANCELLED,
    CLAIMABLE,
    COMPLETED,
    RUNNING,
    RUNNING_ON,
    RUNNING_UNTOLD,
    STANDS_STILL,
    THERE,
    WAITING,
)
from watchkeeper.interfaces.api.session_bodies import SessionBody
from watchkeeper.interfaces.console import words
from watchkeeper.interfaces.console.pages.job.changes import CHANGES
from watchkeeper.interfaces.console.pages.job.picture import NAMES
from watchkeeper.interfaces.console.pages.sessions.session import KIND_WORDS
from watchkeeper.services.session_reading import KINDS


def test_what_would_change_a_job_has_words() -> None:
    """Whatever the domain says of a job that waits or stands still, but for a rule's own words, can be translated."""
    waits = [*WAITING.values(), STANDS_STILL, CLAIMABLE, RUNNING, RUNNING_ON, RUNNING_UNTOLD, THERE]
    told = {one.changes for one in (*waits, COMPLETED, CANCELLED)}
    told |= {known[-1] for known in (*REASONS.values(), *CAUSES.values())}
    told.add(diagnose(JobFacts(JobState.STUCK)).changes)
    assert told == CHANGES


def test_what_sessions_may_be_has_words() -> None:
    """Each state and class of failure, each kind of line, each row of a job's picture."""
    states = get_args(get_args(SessionBody.model_fields["state"].annotation)[0])
    assert {*states, "ended", "unknown"} == set(words.SESSION_STATES)
    assert {str(one) for one in FailureClass} == set(words.SESSION_CLASSES)
    assert set(KIND_WORDS) == set(KINDS)
    assert set(NAMES) == set(ROWS)
