"""The time axis of a drawing, for any moments: idle spans cut, one scale for the rest, and never too many marks."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.domain.drawn_marks import LEAST_WIDTH, MOST_LANES, TONES, Mark, placed
from watchkeeper.domain.time_axis import (
    BREAK_WIDTH,
    IDLE_SECONDS,
    MOST_BREAKS,
    TICK_WIDTH,
    Axis,
    axis_of,
    ticks,
)

WIDTH = 1000.0
BEGIN = 1_790_000_000.0
HOURS = 3600.0
MOMENTS = st.lists(st.floats(0, 60 * HOURS), max_size=60)


def axis(moments: list[float], length: float = 60 * HOURS) -> Axis:
    return axis_of([BEGIN + one for one in moments], BEGIN, BEGIN + length, WIDTH)


@given(MOMENTS, st.lists(st.floats(-HOURS, 61 * HOURS), min_size=2))
def test_what_is_later_never_stands_further_left(moments: list[float], asked: list[float]) -> None:
    """Whatever is cut, places keep the order of time and lie within the drawing."""
    made = axis(moments)
    places = [made.x(BEGIN + one) for one in sorted(asked)]
    assert places == sorted(places)
    assert all(0 <= x <= WIDTH for x in places)
    assert (made.x(made.begin), made.x(made.end)) == (0, pytest.approx(WIDTH))


@given(MOMENTS)
def test_only_idle_spans_are_cut_and_nothing_is_drawn_upon_a_break(moments: list[float]) -> None:
    """A cut holds no moment, is long, and its sign takes less room than the span would have."""
    made = axis(moments)
    assert len(made.breaks) <= MOST_BREAKS
    for one in made.breaks:
        assert one.seconds > IDLE_SECONDS / 2
        assert not [at for at in moments if one.begin < BEGIN + at < one.end]
        assert made.x(one.begin) == pytest.approx(one.x)
        assert made.x(one.end) == pytest.approx(one.x + BREAK_WIDTH)


@given(MOMENTS)
def test_all_that_is_kept_has_one_scale(moments: list[float]) -> None:
    """A bar that is twice as long stands for twice the time, left and right of every break."""
    made = axis(moments)
    cut = {one.begin for one in made.breaks}
    scales = [
        (after[1] - before[1]) / (after[0] - before[0])
        for before, after in pairwise(made.knots)
        if before[0] not in cut
    ]
    assert scales == pytest.approx([scales[0]] * len(scales))


def test_a_run_of_forty_hours_shows_its_work() -> None:
    """Two busy hours at either end of forty: the night between is a break, and both ends can be read."""
    work = [minute * 60.0 for minute in range(120)]
    made = axis([*work, *(38 * HOURS + one for one in work)], 40 * HOURS)
    assert len(made.breaks) == 1
    assert made.breaks[0].seconds == pytest.approx(36 * HOURS, abs=300)
    assert made.x(BEGIN + 2 * HOURS) > 0.45 * WIDTH
    assert made.x(BEGIN + 38 * HOURS) < 0.55 * WIDTH


def test_nothing_is_cut_where_all_is_busy() -> None:
    """Forty hours without a pause have no break, and nothing is cut off at the right."""
    made = axis([minute * 240.0 for minute in range(600)], 40 * HOURS)
    assert made.breaks == ()
    assert made.x(BEGIN + 20 * HOURS) == pytest.approx(WIDTH / 2)


def test_a_job_of_one_moment_has_an_axis() -> None:
    """A job that was just made is drawn all the same."""
    made = axis_of([BEGIN], BEGIN, BEGIN, WIDTH)
    assert 0 <= made.x(BEGIN) <= WIDTH
    assert ticks(made) == [(BEGIN, 0.0)]


@given(MOMENTS, st.sampled_from([0.0, 8 * HOURS, 5.5 * HOURS, -3 * HOURS]))
def test_named_moments_do_not_overlap(moments: list[float], offset: float) -> None:
    """Each has the room that a time takes, and none stands in a break; whole hours are whole in the reader's zone."""
    made = axis(moments)
    found = ticks(made, offset)
    for before, after in pairwise(found):
        assert after[1] - before[1] >= TICK_WIDTH
        assert not [one for one in made.breaks if one.begin < after[0] < one.end]
        assert after[0] == pytest.approx(round(after[0]))
    assert len(found) <= WIDTH / TICK_WIDTH + 1


MARKS = st.lists(
    st.builds(
        lambda row, at, length, tone: Mark(
            row, BEGIN + at, None if length < 0 else BEGIN + at + length, tone
        ),
        st.sampled_from(["attempt", "tool", "gate"]),
        st.floats(0, 40 * HOURS),
        st.floats(-HOURS, 3 * HOURS),
        st.sampled_from(TONES),
    ),
    max_size=150,
)


@given(MARKS, st.integers(5, 60))
def test_a_drawing_has_no_more_marks_than_it_may_and_loses_none(marks: list[Mark], most: int) -> None:
    """What does not fit is taken together and counted; the gravest of a place gives its look."""
    made = axis([mark.at - BEGIN for mark in marks], 44 * HOURS)
    drawn = placed(marks, made, most)
    assert len(drawn) <= most
    assert sorted(m.at for one in drawn for m in one.marks) == sorted(mark.at for mark in marks)
    for one in drawn:
        assert {mark.row for mark in one.marks} == {one.row}
        assert one.width >= LEAST_WIDTH
        assert 0 <= one.x <= one.end <= WIDTH + 0.001
        assert 0 <= one.lane < MOST_LANES
        assert TONES.index(one.gravest.tone) == max(TONES.index(mark.tone) for mark in one.marks)


def test_fifty_thousand_calls_become_a_drawing() -> None:
    """However many there are, each row keeps its course of time."""
    marks = [Mark("tool", BEGIN + 2.88 * n, BEGIN + 2.88 * n + 2) for n in range(50_000)]
    drawn = placed(marks, axis([2.88 * n for n in range(50_000)], 40 * HOURS), 200)
    assert 100 < len(drawn) <= 200
    assert sum(len(one.marks) for one in drawn) == 50_000


def test_what_overlaps_stands_in_lanes() -> None:
    """Two calls beside each other are both seen whole."""
    marks = [Mark("tool", BEGIN, BEGIN + 600), Mark("tool", BEGIN + 60, BEGIN + 500)]
    first, second = placed(marks, axis([0, 600], 600))
    assert (first.lane, second.lane) == (0, 1)
