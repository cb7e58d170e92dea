"""Objectives of pools: when a pool burns, what is left, and what few attempts may say."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.domain.slo import DAY, HOUR, LENGTHS, WINDOWS, Ends, Objective, SloState, judge

MOST = Objective(0.99)
STEADY = Ends(99_000, 500)


def within(**ends: Ends) -> dict[int, Ends]:
    seconds = {"m5": 300, "m30": 1_800, "h1": HOUR, "h6": 6 * HOUR, "d3": 3 * DAY}
    return {seconds[name]: one for name, one in ends.items()}


def test_the_burn_rates_are_those_of_the_workbook() -> None:
    """For 30 days an hour burns from 14.4 on, six hours from 6, three days from 1."""
    found = [burning.threshold for burning in judge("p", MOST, STEADY, {}).windows]
    assert [round(threshold, 6) for threshold in found] == [14.4, 6.0, 1.0]


def test_a_fast_burn_pages_only_while_it_goes_on() -> None:
    """An hour that burnt is no call any more once its last five minutes are well."""
    hour = Ends(80, 20)
    assert judge("p", MOST, STEADY, within(h1=hour, m5=Ends(5, 3))).state is SloState.PAGE
    assert judge("p", MOST, STEADY, within(h1=hour, m5=Ends(8, 0))).state is SloState.OK


def test_a_slow_burn_is_a_ticket_and_a_spent_budget_is_told() -> None:
    """Three days at a little over the budget ask for somebody within days; nothing left is a state of its own."""
    slow = within(d3=Ends(9_800, 200), h6=Ends(800, 20))
    assert judge("p", MOST, STEADY, slow).state is SloState.TICKET
    spent = judge("p", MOST, Ends(900, 100), {})
    assert (spent.state, spent.left is not None and spent.left < 0) == (SloState.SPENT, True)


def test_of_few_attempts_failures_are_counted() -> None:
    """A pool with an attempt a day is not called broken by one failure, and is by the second in a row."""
    month = Ends(28, 2)
    one = judge(
        "p", Objective(0.9), month, within(d3=Ends(2, 1), h6=Ends(0, 1), h1=Ends(0, 1), m5=Ends(0, 1))
    )
    assert one.state is SloState.OK
    assert all(burning.by_count for burning in one.windows)
    two = judge("p", Objective(0.9), month, within(d3=Ends(1, 2), h6=Ends(0, 1)))
    assert two.state is SloState.TICKET
    assert (round(two.allowed, 6), round(two.left or 0, 2)) == (3.0, 0.33)


def test_too_few_attempts_are_unknown_and_never_well() -> None:
    """A pool of which four attempts are known has no state, whether they went well or not."""
    for ends in (Ends(), Ends(4, 0), Ends(3, 1)):
        found = judge("p", MOST, ends, {})
        assert (found.state, found.left) == (SloState.UNKNOWN, None)


COUNT = st.integers(0, 10_000)
ENDS = st.builds(Ends, COUNT, COUNT)


@given(st.floats(0.01, 0.9999), st.floats(0.1, 90), ENDS, st.dictionaries(st.sampled_from(LENGTHS), ENDS))
def test_one_failure_alone_never_burns_and_none_never_does(
    target: float, days: float, period: Ends, ends: dict[int, Ends]
) -> None:
    """Whatever the objective, a window without two failures, or whose short one has none, is quiet."""
    found = judge("p", Objective(target, days), period, ends)
    for burning in found.windows:
        assert not burning.fires or (burning.long.bad >= 2 and burning.short.bad >= 1)


@given(st.floats(0.01, 0.9999), st.integers(3, 10_000))
def test_a_pool_in_which_everything_fails_always_pages(target: float, n: int) -> None:
    """No objective is so low, and no pool so small, that a total failure stays unsaid."""
    all_bad = {length: Ends(0, n) for length in LENGTHS}
    found = judge("p", Objective(target), Ends(0, n), all_bad)
    assert found.state is SloState.PAGE
    assert {burning.window for burning in found.windows} == {*WINDOWS}
