"""Whether work advances, judged from counts alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.domain.pulse import OLD_SECONDS, AtWork, Ended, Pace, pace

NOTHING, BUSY = AtWork(0, 0, 0), AtWork(5, 2, 0)


@pytest.mark.parametrize(
    ("hour", "day", "now", "expected"),
    [
        (Ended(4, 0, 0), Ended(96, 0, 0), BUSY, Pace.ADVANCING),
        (Ended(0, 4, 0), Ended(0, 96, 0), BUSY, Pace.ADVANCING),
        (Ended(1, 0, 9), Ended(96, 0, 9), BUSY, Pace.SLOWER),
        (Ended(0, 0, 3), Ended(96, 0, 3), BUSY, Pace.STANDING),
        (Ended(0, 0, 0), Ended(0, 0, 0), AtWork(0, 1, 1), Pace.WORKING),
        (Ended(0, 0, 0), Ended(0, 0, 0), AtWork(0, 1, 0), Pace.STANDING),
        (Ended(0, 0, 0), Ended(96, 0, 0), NOTHING, Pace.IDLE),
    ],
)
def test_the_pace_is_that_of_the_last_hour_held_against_the_day(
    hour: Ended, day: Ended, now: AtWork, expected: Pace
) -> None:
    """Failures are no advance, long jobs that go on are no standstill, and nothing to do is neither."""
    assert pace(hour, day, now, 10.0) is expected


counts = st.integers(0, 10**6)


@given(st.tuples(counts, counts, counts), st.tuples(counts, counts, counts), st.booleans())
def test_old_counts_say_nothing_of_now(hour: tuple[int, ...], work: tuple[int, ...], never: bool) -> None:
    """Where the watch has stopped counting the pace is unknown, whatever the counts say."""
    age = None if never else OLD_SECONDS + 1
    assert pace(Ended(*hour), Ended(*hour), AtWork(*work), age) is Pace.UNKNOWN


def test_a_share_of_nothing_is_not_known() -> None:
    """Where nothing ended no share of failures is told."""
    assert Ended(0, 0, 0).failed_share is None
    assert Ended(2, 1, 1).failed_share == 0.25
