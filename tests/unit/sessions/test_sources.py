"""Three sources are read before anything is interrupted, and the clock of progress is not that of events."""

from __future__ import annotations

import pytest

from watchkeeper.domain.sessions.diagnosis import Action, FailureClass
from watchkeeper.domain.sessions.events import (
    Began,
    Limited,
    Retrying,
    Stirred,
    ToolClosed,
    ToolOpened,
    Trouble,
    TurnBegan,
    TurnEnded,
)
from watchkeeper.domain.sessions.facts import (
    ClockJumped,
    ContractCall,
    LeaseChanged,
    ProcessExited,
    ProcessSample,
    ProcessStarted,
    SeenProcess,
    SessionFact,
    TranscriptGrew,
    WorkspaceChanged,
)
from watchkeeper.domain.sessions.watch import SessionWatch

BEGUN: list[SessionFact] = [ProcessStarted(7), Began("t"), TurnBegan()]


def begun() -> SessionWatch:
    watch = SessionWatch()
    for fact in BEGUN:
        watch.take(0.0, fact)
    return watch


def sample(cpu: float, *, child: bool = True) -> ProcessSample:
    return ProcessSample((SeenProcess(7, 1, "S", 1.0), *([SeenProcess(8, 7, "R", cpu)] if child else [])))


def test_a_growing_transcript_is_no_stall() -> None:
    """stdout stands still for an hour while the agent writes its own transcript: it works."""
    watch = begun()
    for n in range(1, 13):
        watch.take(300.0 * n, TranscriptGrew())
        assert watch.look(300.0 * n + 299.0).failure in (None, FailureClass.LOOP_WITHOUT_PROGRESS)
    assert watch.look(3_600.0 + 675.0).action is Action.INTERRUPT_RESUME


def test_children_that_work_are_no_stall_until_a_tool_may_take_no_longer() -> None:
    """Half an hour of a busy child in silence is work; two hours of it are not."""
    watch = begun()
    for n in range(1, 121):
        watch.take(60.0 * n, sample(30.0 * n))
        if n < 30:
            assert watch.look(60.0 * n).action is Action.NONE
    assert watch.look(7_215.0).action is Action.INTERRUPT_RESUME


def test_children_that_sleep_are_a_stall() -> None:
    """Processes that are there and do nothing put nothing off."""
    watch = begun()
    for n in range(1, 12):
        watch.take(60.0 * n, sample(2.0))
    assert watch.look(675.0).action is Action.INTERRUPT_RESUME


@pytest.mark.parametrize(
    "fact",
    [
        Stirred("status"),
        Retrying(Trouble.NETWORK),
        Stirred("tool_progress"),
        LeaseChanged("renewed", 1),
        sample(0.0, child=False),
    ],
)
def test_what_is_no_progress(fact: SessionFact) -> None:
    """Heartbeats, retries, renewals and looks at processes do not move the job."""
    watch = begun()
    for n in range(1, 21):
        watch.take(60.0 * n, fact)
    assert watch.record.progress_at == 0.0


@pytest.mark.parametrize(
    "fact",
    [WorkspaceChanged(files=1), WorkspaceChanged(commits=1), ContractCall("progress", True, phase="build")],
)
def test_what_is_progress(fact: SessionFact) -> None:
    """A changed file, a commit and a new phase do."""
    watch = begun()
    watch.take(900.0, fact)
    assert watch.record.progress_at == 900.0


def test_the_clock_of_progress_rests_while_a_tool_is_open() -> None:
    """Half an hour in one tool is half an hour that is not counted."""
    watch = begun()
    watch.take(100.0, ToolOpened("a", "shell", "make"))
    watch.take(1_900.0, ToolClosed("a", "done"))
    assert watch.record.progress_at == 1_800.0


def test_no_silence_is_drawn_from_a_jump_of_the_clock() -> None:
    """The machine slept for a day: every silence begins anew."""
    watch = begun()
    watch.take(86_400.0, ClockJumped(86_000.0))
    assert watch.look(86_400.0 + 329.0).failure is None
    assert watch.look(86_400.0 + 675.0).action is Action.INTERRUPT_RESUME


@pytest.mark.parametrize(
    ("facts", "action"),
    [
        ([TurnEnded(False, Trouble.CONTEXT_OVERFLOW)], Action.FRESH_SESSION),
        ([TurnEnded(False, Trouble.BAD_REQUEST)], Action.FRESH_SESSION),
        ([TurnEnded(False, Trouble.SESSION_UNKNOWN)], Action.FRESH_SESSION),
        ([TurnEnded(False, Trouble.SERVER_ERROR)], Action.RETRY),
        ([TurnEnded(False, Trouble.UNREACHABLE)], Action.PARK),
        ([TurnEnded(False, Trouble.USAGE_LIMIT)], Action.PARK),
        ([Limited(None), TurnEnded(False, Trouble.RATE_LIMIT)], Action.PARK),
        ([TurnEnded(False, Trouble.AUTH)], Action.PARK),
        ([TurnEnded(False, Trouble.BUDGET)], Action.ESCALATE),
        ([TurnEnded(False, Trouble.TURNS_USED_UP)], Action.RETRY),
        ([TurnEnded(False, Trouble.SESSION_TAKEN)], Action.HOLD),
        ([TurnEnded(False, Trouble.TOOLS_MISSING)], Action.RETRY),
        ([TurnEnded(False, Trouble.OTHER)], Action.INTERRUPT_RESUME),
        ([Retrying(Trouble.SERVER_ERROR), TurnEnded(False, Trouble.OTHER)], Action.RETRY),
    ],
)
def test_what_a_failed_turn_asks_for(facts: list[SessionFact], action: Action) -> None:
    """A poisoned thread gets a fresh one, a provider that is away is waited for, and what costs money is asked."""
    watch = begun()
    for fact in [*facts, ProcessExited(1)]:
        watch.take(5.0, fact)
    assert watch.verdict(6.0).action is action


def test_a_loop_that_a_resume_did_not_break_gets_a_fresh_thread() -> None:
    """What goes round again after a restart goes round in its thread."""
    watch = SessionWatch(restarts=1)
    for n in range(10):
        watch.take(float(n), ToolOpened(str(n), "shell", "same"))
        watch.take(n + 0.5, ToolClosed(str(n), "same"))
    assert watch.look(10.0).action is Action.FRESH_SESSION
