"""The moment before, at and after each threshold of the table, each on its own clock."""

from __future__ import annotations

import pytest

from watchkeeper.domain.sessions.diagnosis import Action, FailureClass
from watchkeeper.domain.sessions.events import (
    Began,
    Limited,
    Retrying,
    ToolClosed,
    ToolOpened,
    Trouble,
    TurnBegan,
    TurnEnded,
    Waits,
)
from watchkeeper.domain.sessions.facts import ProcessStarted, QueueTick, SessionFact
from watchkeeper.domain.sessions.limits import SessionLimits
from watchkeeper.domain.sessions.watch import SessionWatch

LIMITS = SessionLimits()
SETTLE = LIMITS.settle_seconds
BEGUN: list[tuple[float, SessionFact]] = [(0.0, ProcessStarted(7)), (1.0, Began("t")), (2.0, TurnBegan())]
OPENED: list[tuple[float, SessionFact]] = [*BEGUN, (3.0, ToolOpened("a", "shell", "pytest"))]
ENDED: list[tuple[float, SessionFact]] = [*BEGUN, (4.0, TurnEnded(ok=True))]


def retries(trouble: Trouble) -> list[tuple[float, SessionFact]]:
    return [*BEGUN, *((10.0 + 60 * n, Retrying(trouble)) for n in range(11))]


def rounds(count: int, *, of: int = 1) -> list[tuple[float, SessionFact]]:
    facts = list(BEGUN)
    for n in range(count):
        facts.append((3.0 + 2 * n, ToolOpened(str(n), "shell", f"call {n % of}")))
        facts.append((4.0 + 2 * n, ToolClosed(str(n), "same")))
    return facts


def ticks(declined: dict[str, int]) -> list[tuple[float, SessionFact]]:
    return [(15.0 * n, QueueTick(ready=3, running=0, spawned=0, declined=declined)) for n in range(60)]


CASES = {
    "no first event": (BEGUN[:1], FailureClass.SILENT_BEFORE_OUTPUT, 60, 120, Action.INTERRUPT_RESUME),
    "silence": (BEGUN, FailureClass.SILENT_MID_TURN, 332, 662, Action.INTERRUPT_RESUME),
    "silent tool": (OPENED, FailureClass.SILENT_MID_TURN, 603, 7203, Action.INTERRUPT_RESUME),
    "retries": (
        retries(Trouble.SERVER_ERROR),
        FailureClass.PROVIDER_RETRY_LOOP,
        190,
        610,
        Action.INTERRUPT_RESUME,
    ),
    "unreachable": (
        retries(Trouble.UNREACHABLE),
        FailureClass.PROVIDER_RETRY_LOOP,
        190,
        610,
        Action.PARK,
    ),
    "too many requests, then silence": (
        [*BEGUN, (3.0, Retrying(Trouble.RATE_LIMIT))],
        FailureClass.USAGE_LIMIT,
        333,
        663,
        Action.PARK,
    ),
    "overloaded, then silence": (
        [*BEGUN, (3.0, Retrying(Trouble.OVERLOADED))],
        FailureClass.USAGE_LIMIT,
        333,
        663,
        Action.PARK,
    ),
    "cut off, then silence": (
        [*BEGUN, (3.0, Retrying(Trouble.NETWORK))],
        FailureClass.SILENT_MID_TURN,
        333,
        663,
        Action.INTERRUPT_RESUME,
    ),
    "after the end": (ENDED, FailureClass.LIMBO_AFTER_RESULT, 34, 604, Action.SWEEP),
}


def told(facts: list[tuple[float, SessionFact]], until: float) -> SessionWatch:
    watch = SessionWatch(LIMITS)
    for at, fact in facts:
        if at <= until:
            watch.take(at, fact)
    return watch


@pytest.mark.parametrize("name", CASES)
def test_a_silence_is_observed_then_touched_then_acted_on(name: str) -> None:
    """Before the first threshold all is well; from it on the class stands; from the second on it is acted on."""
    facts, failure, warn, act, action = CASES[name]
    held = {
        at: (found.failure, found.action)
        for at in (warn - 1, warn, act - 1, act, act + SETTLE - 1, act + SETTLE)
        for found in [told(facts, at).look(at)]
    }
    assert held == {
        warn - 1: (None, Action.NONE),
        warn: (failure, Action.NONE),
        act - 1: (failure, Action.NONE),
        act: (failure, Action.TOUCH),
        act + SETTLE - 1: (failure, Action.TOUCH),
        act + SETTLE: (failure, action),
    }


@pytest.mark.parametrize("name", CASES)
def test_the_next_look_is_at_the_next_threshold(name: str) -> None:
    """Whoever waits for `next_at` misses no threshold, and looks at nothing between two."""
    facts, _, warn, act, _ = CASES[name]
    watch = told(facts, warn)
    assert watch.look(warn - 1).next_at == warn
    assert told(facts, act - 1).look(act - 1).next_at == act
    assert told(facts, act).look(act).next_at == act + SETTLE


@pytest.mark.parametrize(("count", "action"), [(3, None), (4, Action.NONE), (9, Action.NONE)])
def test_a_repeated_call_is_observed(count: int, action: Action | None) -> None:
    """Four times the same call with the same result is seen, nine times is not yet a loop."""
    found = told(rounds(count), 100.0).look(30.0)
    expected = None if action is None else FailureClass.LOOP_WITHOUT_PROGRESS
    assert (found.failure, found.action) == (expected, Action.NONE)


@pytest.mark.parametrize("of", [1, 2, 3])
def test_the_tenth_same_call_is_a_loop(of: int) -> None:
    """Ten times the same call with the same result, alone or in a small circle, is interrupted."""
    before, at = rounds(9 * of, of=of), rounds(9 * of + 1, of=of)
    assert told(before, 500.0).look(80.0).action is Action.NONE
    assert told(at, 500.0).look(80.0).action is Action.INTERRUPT_RESUME


def test_calls_that_differ_are_no_loop() -> None:
    """Many calls of which each is another are work."""
    assert told(rounds(60, of=60), 500.0).look(130.0).failure is None


@pytest.mark.parametrize(("now", "action"), [(599.9, Action.NONE), (600.0, Action.ESCALATE)])
def test_a_queue_without_a_reason_is_stuck(now: float, action: Action) -> None:
    """Ten minutes of ready jobs, none given out and none declined, are told to a person."""
    found = told(ticks({}), now).look(now)
    assert (found.failure, found.action) == (FailureClass.QUEUE_STUCK, action)


@pytest.mark.parametrize("reason", ["limit_full", "paused", "quota_parked", "rate_limited", "not_due"])
def test_a_queue_that_holds_back_for_a_reason_is_well(reason: str) -> None:
    """Capacity, a pause or a limit look the same from outside, and are no fault."""
    assert told(ticks({reason: 3}), 890.0).look(890.0).failure is None


def test_a_limit_is_parked_at_once_until_its_reset() -> None:
    """A limit with a time of reset is waited out until then, and silence is no stall meanwhile."""
    watch = told([*BEGUN, (5.0, Limited(9_000.0))], 5.0)
    for now in (5.0, 700.0, 8_000.0, 9_000.0):
        found = watch.look(now)
        assert (found.failure, found.action, found.until) == (FailureClass.USAGE_LIMIT, Action.PARK, 9_000.0)
    assert watch.look(9_015.0).action is Action.RETRY


def test_a_limit_without_a_reset_is_parked_for_an_hour() -> None:
    """Where no time was told, an hour is waited."""
    assert told([*BEGUN, (5.0, Limited(None))], 5.0).look(6.0).until == 3_605.0


@pytest.mark.parametrize(("now", "action"), [(64.9, Action.NONE), (65.0, Action.ESCALATE)])
def test_a_question_calls_a_person(now: float, action: Action) -> None:
    """An agent that asks in an unattended run is answered by nobody, and resuming it would ask again."""
    found = told([*BEGUN, (5.0, Waits("approve?"))], now).look(now)
    assert (found.failure, found.action) == (FailureClass.WAITS_FOR_PERSON, action)


def test_a_declared_limit_stands_in_place_of_the_usual_one() -> None:
    """A kind that allows a tool three hours is not interrupted after two."""
    watch = SessionWatch(LIMITS, tool_limit_seconds=10_800.0)
    for at, fact in OPENED:
        watch.take(at, fact)
    assert watch.look(10_802.0).action is Action.NONE
    assert watch.look(10_803.0).action is Action.TOUCH


def test_after_three_restarts_a_person_is_called() -> None:
    """What three restarts did not mend a fourth will not."""
    for restarts, action in [(2, Action.INTERRUPT_RESUME), (3, Action.ESCALATE)]:
        watch = SessionWatch(LIMITS, restarts=restarts)
        for at, fact in BEGUN:
            watch.take(at, fact)
        assert watch.look(700.0).action is action
