"""What a report of a foreign attempt means: nothing turns green by it alone, and no attempt is taken for another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.jobs import TRANSITIONS, JobState
from watchkeeper.domain.mirrored import (
    AttemptReport,
    LeaseAction,
    LiveAttempt,
    begins_anew,
    checked_origin,
    decided_end,
    reported_end,
)

WORDS = st.sampled_from(
    ["completed", "ok", "DONE ", "failed", "released", "cancelled", "stuck", "rejected", "queued", "", None]
)
REPORTS = st.builds(
    AttemptReport,
    st.just("job"),
    st.sampled_from(["w1", "w2", None]),
    attempt_id=st.sampled_from(["a", "b", None]),
    phase=st.sampled_from(["claim", "context", "complete", "fail", None]),
    complete_status=WORDS,
    error_code=st.sampled_from([None, "contract_rejected", "INTERNAL_ERROR", "budget"]),
    report_id=st.sampled_from(["a", "r", None]),
)


@given(REPORTS, st.booleans())
def test_success_needs_that_nothing_speaks_against_it(report: AttemptReport, complete_failed: bool) -> None:
    """A job completes only by a word for success, with no error beside it and no failed complete before it."""
    end = reported_end(report, complete_failed=complete_failed)
    if end is not None:
        assert end.state in TRANSITIONS[JobState.RUNNING]
        assert (end.state is JobState.STUCK) is (end.outcome is None)
    if end is not None and end.state is JobState.COMPLETED:
        assert not complete_failed
        assert report.error_code is None
    if complete_failed or report.error_code:
        assert end is None or end.state is not JobState.COMPLETED


@given(REPORTS)
def test_an_attempt_is_told_by_its_worker_and_its_name(report: AttemptReport) -> None:
    """Another worker or another name is another attempt; a report that names no worker begins none.

    A report's own id is new each time and says nothing, unless it is the one that began the attempt, come again.
    """
    anew = begins_anew(LiveAttempt("w1", "a", "build"), report)
    if report.worker_id is None:
        assert not anew
    elif report.worker_id == "w2" or report.attempt_id == "b":
        assert anew
    elif report.attempt_id == "a" or report.report_id == "a":
        assert not anew
    else:
        assert anew is (report.phase == "claim")
    assert begins_anew(None, report) is (report.worker_id is not None)


def test_a_supervisors_word_never_completes_a_job() -> None:
    """Release and reclaim leave it pending where it lives; marked stale it waits for a person."""
    states = {action: decided_end(action).state for action in LeaseAction}
    assert states == {
        LeaseAction.RELEASE: JobState.PENDING,
        LeaseAction.RECLAIM: JobState.PENDING,
        LeaseAction.MARK_STALE: JobState.STUCK,
    }


@pytest.mark.parametrize("name", ["own", "", "Helper", "a b", "x" * 64, "-x"])
def test_a_queue_of_others_has_a_name_of_its_own(name: str) -> None:
    """No report can pass for the own queue."""
    with pytest.raises(UsageError):
        checked_origin(name)
    assert checked_origin("hermes.eu-1") == "hermes.eu-1"
