"""When waiting jobs are trouble, and when they only wait."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from unit.rules.moments import BEGIN, LIMITS, after, assert_fires_after, fires
from watchkeeper.domain.facts import QueueFact, Wait
from watchkeeper.domain.rules.judging import judge
from watchkeeper.domain.rules.queues import missing_worker_kind, queue_stuck

MOVABLE = QueueFact("p", "report", Wait.MOVABLE, BEGIN, free_workers=1)
UNSERVED = QueueFact("p", "report", Wait.UNSERVED, BEGIN)


def test_a_queue_is_stuck_after_ten_minutes_beside_somebody_free() -> None:
    """A job is due, a worker has a free slot, and nothing of the kind is claimed."""
    assert_fires_after(queue_stuck, MOVABLE, after(600))
    assert_fires_after(queue_stuck, replace(MOVABLE, origin="helper"), after(600))


def test_a_queue_whose_worker_has_not_come_by_yet_is_not_stuck() -> None:
    """A contract worker comes once in a heartbeat; before it came, nothing was left lying."""
    assert not fires(queue_stuck, replace(MOVABLE, was_asked=False), after(10_000))


def test_a_kind_without_a_worker_is_told_after_a_minute() -> None:
    """A worker that restarts is back by then."""
    assert_fires_after(missing_worker_kind, UNSERVED, after(60))
    assert not fires(queue_stuck, UNSERVED, after(10_000))
    assert not fires(missing_worker_kind, MOVABLE, after(10_000))


def test_the_cause_says_why_nobody_can() -> None:
    """Stopped by a rule or a person, about to go, or not there at all."""
    causes = [
        judge([missing_worker_kind], [fact], LIMITS, after(61)).findings[0].cause
        for fact in (
            UNSERVED,
            replace(UNSERVED, stopped_workers=1, draining_workers=1),
            replace(UNSERVED, draining_workers=1),
        )
    ]
    assert causes == ["no_worker", "workers_stopped", "workers_draining"]


@given(seconds=st.floats(0.0, 1e6), more=st.floats(0.0, 1e6))
def test_a_queue_that_waits_longer_is_never_well_again(seconds: float, more: float) -> None:
    """Only a claim, a pause or a worker ends it."""
    for rule, fact in ((queue_stuck, MOVABLE), (missing_worker_kind, UNSERVED)):
        if fires(rule, fact, after(seconds)):
            assert fires(rule, fact, after(seconds + more))


def test_a_clock_that_went_back_makes_no_queue_stuck() -> None:
    """A wait that begins in a time still to come is none."""
    assert not fires(queue_stuck, MOVABLE, BEGIN - timedelta(hours=1))


def test_a_foreign_queue_and_our_own_of_one_kind_are_two_things() -> None:
    """Their incidents are apart."""
    own, foreign = (
        judge([queue_stuck], [replace(MOVABLE, origin=origin)], LIMITS, after(601)).findings[0]
        for origin in ("own", "helper")
    )
    assert own.fingerprint != foreign.fingerprint
    assert (own.is_mirrored, foreign.is_mirrored) == (False, True)
