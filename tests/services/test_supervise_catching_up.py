"""What a supervisor holds of a turn that it did not follow from its beginning, and of a thread over its turns."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from watchkeeper.agents import known
from watchkeeper.agents.output import Line
from watchkeeper.domain.redaction import Redactor
from watchkeeper.domain.sessions.diagnosis import Action, FailureClass
from watchkeeper.domain.sessions.events import Began, ToolClosed, ToolOpened
from watchkeeper.domain.sessions.facts import LeaseChanged, ProcessStarted
from watchkeeper.domain.sessions.limits import SessionLimits
from watchkeeper.domain.sessions.tools_seen import Call
from watchkeeper.domain.sessions.watch import SessionWatch
from watchkeeper.services.supervision.clock import SteadyClock
from watchkeeper.services.supervision.conversation import Conversation
from watchkeeper.services.supervision.seams import Unrecorded
from watchkeeper.services.supervision.turn_watch import TurnWatch

LIMITS = SessionLimits()
SPOKEN = ({"type": "thread.started", "thread_id": "t"}, {"type": "turn.started"})


def adopted(written: float, moved: float | None = None) -> TurnWatch:
    """Give a turn that was begun by another supervisor; both in seconds before now."""
    now = time.time()
    watch = TurnWatch(
        known.stream("codex"), Conversation("codex"), SessionWatch(LIMITS), Unrecorded(), Redactor(),
        SteadyClock(), lambda: None,
    )  # fmt: skip
    watch.put(ProcessStarted(7))
    watch.catch_up(now - written, None if moved is None else now - moved)
    for event in SPOKEN:
        data = json.dumps(event).encode()
        watch.line("stdout", Line(data, 0, len(data), len(data)))
    watch.caught_up()
    return watch


def test_a_stall_that_began_before_the_supervisor_died_is_not_forgiven() -> None:
    """Silent past its limit already, an adopted turn is acted on at the first look, not a whole limit later."""
    held = adopted(LIMITS.silence_act_seconds + 30).look()
    assert (held.failure, held.action) == (FailureClass.SILENT_MID_TURN, Action.INTERRUPT_RESUME)


@pytest.mark.parametrize(("written", "moved"), [(30.0, None), (LIMITS.silence_act_seconds + 30, 20.0)])
def test_an_adopted_turn_that_moves_is_left_alone(written: float, moved: float | None) -> None:
    """Output, the agent's own transcript or a file of its workspace that moved lately: there is no stall."""
    assert adopted(written, moved).look().failure is None


def test_what_comes_after_the_adoption_counts_from_when_it_comes() -> None:
    """A line after a long silence ends it."""
    watch = adopted(LIMITS.silence_act_seconds + 30)
    line = json.dumps({"type": "item.completed", "item": {"type": "agent_message", "text": "on"}}).encode()
    watch.line("stdout", Line(line, 0, len(line), len(line)))
    assert watch.look().failure is None


def turn(calls: int, former: SessionWatch | None = None, name: str = "ls") -> SessionWatch:
    watch = SessionWatch(LIMITS, recent=() if former is None else former.recent)
    facts: list[Any] = [ProcessStarted(7), Began("t")]
    for number in range(calls):
        facts += [ToolOpened(str(number), "shell", name), ToolClosed(str(number), "same")]
    for second, fact in enumerate(facts):
        watch.take(float(second), fact)
    return watch


def test_a_loop_over_the_turns_of_a_thread_is_seen() -> None:
    """Five times the same call in each of two turns is a loop, as ten times in one are."""
    half = LIMITS.same_call_act // 2
    first = turn(half)
    assert first.look(50.0).action is Action.NONE
    assert turn(half).look(50.0).action is Action.NONE
    held = turn(half, first).look(50.0)
    assert (held.failure, held.action) == (FailureClass.LOOP_WITHOUT_PROGRESS, Action.INTERRUPT_RESUME)


def test_a_turn_that_does_something_else_is_not_ended_for_the_turn_before() -> None:
    """However often the former turn went round: only the same call once more shows that it goes on."""
    looped = turn(3 * LIMITS.same_call_act)
    assert looped.look(100.0).action is Action.INTERRUPT_RESUME
    assert turn(1, looped, "pwd").look(100.0).action is Action.NONE
    assert turn(1, looped).look(100.0).action is Action.INTERRUPT_RESUME


def test_a_loop_is_remembered_over_a_supervisors_death() -> None:
    """What the turn before went round is kept with the thread: the next supervisor reads it back, and sees the loop."""
    kept = Conversation("codex", thread="t", recent=[list(call) for call in turn(9).recent])
    read = Conversation.from_record(json.loads(json.dumps(kept.record())), "codex")
    watch = SessionWatch(LIMITS, recent=[Call(*call) for call in read.recent])
    for second, fact in enumerate(
        (ProcessStarted(7), ToolOpened("0", "shell", "ls"), ToolClosed("0", "same"))
    ):
        watch.take(float(second), fact)
    assert watch.look(50.0).failure is FailureClass.LOOP_WITHOUT_PROGRESS
    read.abandon()
    assert read.recent == [], "a fresh thread begins anew"


def test_a_lease_that_was_renewed_and_then_taken_away_is_lost_and_no_double() -> None:
    """A fenced lease has ended before another holds it: what was made goes to a person, and nobody works twice."""
    watch = SessionWatch(LIMITS)
    changes = ["claimed", "renewed", "renewed", "renewed", "expired", "taken_over"]
    watch.take(0.0, ProcessStarted(7))
    for number, change in enumerate(changes):
        watch.take(15.0 * number, LeaseChanged(change, 1, "w"))
    held = watch.look(15.0 * len(changes))
    assert (held.failure, held.action) == (FailureClass.LEASE_LOST, Action.RECONCILE)
