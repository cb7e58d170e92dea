"""What a session spent its time on: the model's lane and the tools' of any course of events."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.domain.sessions.lanes import OF_LANES, lanes_of, union, without

SPANS = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)).map(lambda two: (min(two), max(two))))


def events(*told: tuple[float, str, str]) -> list[dict[str, Any]]:
    return [
        {"number": n, "t": t, "event": event, "fields": {"id": call, "tool": "Bash"} if call else {}}
        for n, (t, event, call) in enumerate(told, 1)
    ]


def test_the_model_thinks_while_no_tool_is_open() -> None:
    """Of a turn of 60 s with two calls beside each other the model has what is left, and the tools count once."""
    made = lanes_of(
        events(
            (0, "turn_began", ""),
            (10, "tool_opened", "a"),
            (15, "tool_opened", "b"),
            (25, "tool_closed", "a"),
            (30, "tool_closed", "b"),
            (60, "turn_ended", ""),
        ),
        100,
    )
    assert made.model == ((0, 10), (30, 60))
    assert (made.model_seconds, made.tools_seconds) == (40, 20)
    assert [(call.begin, call.end) for call in made.calls] == [(10, 25), (15, 30)]


def test_an_open_call_lasts_until_now_and_ends_with_its_turn() -> None:
    """Who looks at a live session sees the tool that it waits for; a turn that ended left none open."""
    live = lanes_of(events((0, "turn_began", ""), (5, "tool_opened", "a")), 65)
    assert (live.calls[0].end, live.tools_seconds, live.model_seconds) == (None, 60, 5)
    over = lanes_of(events((0, "turn_began", ""), (5, "tool_opened", "a"), (9, "turn_ended", "")), 65)
    assert (over.calls[0].end, over.tools_seconds) == (9, 4)


@given(
    st.lists(st.tuples(st.floats(0, 1000), st.sampled_from(OF_LANES), st.sampled_from("abc"))),
    st.floats(0, 2000),
)
def test_lanes_never_overlap(told: list[tuple[float, str, str]], until: float) -> None:
    """Whatever is told, in whatever order, no second is counted twice, and none before the begin or after the end."""
    made = lanes_of(events(*told), until)
    busy = union((call.begin, max(until, 1000) if call.end is None else call.end) for call in made.calls)
    spans = sorted([*made.model, *busy])
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    assert made.model_seconds + made.tools_seconds <= max(until, 1000) + 0.001
    assert all(begin >= 0 for begin, _ in spans)


@given(SPANS, SPANS)
def test_spans_are_joined_and_taken_out(ours: list[tuple[int, int]], others: list[tuple[int, int]]) -> None:
    """Joined spans cover the same seconds; what is taken out of them is gone, and nothing else."""

    def seconds(spans: Any) -> set[int]:
        return {at for begin, end in spans for at in range(int(begin), int(end))}

    assert seconds(union(ours)) == seconds(ours)
    left = without(union(ours), union(others))
    assert seconds(left) == seconds(ours) - seconds(others)
    assert sum(end - begin for begin, end in left) == pytest.approx(len(seconds(left)))
