"""The table of a job's life, and the back-off between attempts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.domain.jobs import TERMINAL, TRANSITIONS, JobState, backoff_seconds, may_move


def test_nothing_leads_out_of_an_end() -> None:
    """Completed, failed and cancelled are ends; every other state leads to one."""
    assert {JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED} == TERMINAL
    for state in JobState:
        assert state in TERMINAL or TRANSITIONS[state] & TERMINAL


def test_completed_comes_from_running_only() -> None:
    """Nobody can complete a job that does not run under a lease."""
    assert [state for state in JobState if may_move(state, JobState.COMPLETED)] == [JobState.RUNNING]


@given(st.integers(0, 10_000), st.floats(0, 1, exclude_max=True))
def test_the_back_off_grows_to_an_hour(errors: int, jitter: float) -> None:
    """The wait begins at about ten seconds, never shrinks with more errors, and stays around an hour at most."""
    wait = backoff_seconds(errors, jitter)
    assert 7.5 <= wait <= 4500
    assert backoff_seconds(errors + 1, jitter) >= wait
