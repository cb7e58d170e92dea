"""What looks like life, work or an end and is none: the moment before, at and after."""

from __future__ import annotations

import pytest

from watchkeeper.domain.sessions.diagnosis import Action, FailureClass
from watchkeeper.domain.sessions.events import (
    Began,
    Said,
    Stirred,
    ToolClosed,
    ToolOpened,
    TurnBegan,
    TurnEnded,
    Unknown,
)
from watchkeeper.domain.sessions.facts import (
    ClockJumped,
    ContractCall,
    Interrupted,
    LeaseChanged,
    ProcessExited,
    ProcessSample,
    ProcessStarted,
    SeenProcess,
    SessionFact,
)
from watchkeeper.domain.sessions.watch import SessionWatch

BEGUN: list[tuple[float, SessionFact]] = [(0.0, ProcessStarted(7)), (1.0, Began("t")), (2.0, TurnBegan())]

Held = tuple[FailureClass | None, Action]


def watching(*told: tuple[float, SessionFact]) -> SessionWatch:
    watch = SessionWatch()
    for at, fact in (*BEGUN, *told):
        watch.take(at, fact)
    return watch


def held(watch: SessionWatch, *moments: float) -> list[Held]:
    return [(found.failure, found.action) for at in moments for found in [watch.look(at)]]


STALLED = [
    (FailureClass.SILENT_MID_TURN, Action.NONE),
    (FailureClass.SILENT_MID_TURN, Action.TOUCH),
    (FailureClass.SILENT_MID_TURN, Action.INTERRUPT_RESUME),
]


@pytest.mark.parametrize("noise", [Stirred("rate_limit"), Unknown("account/rateLimits/updated")])
def test_how_the_account_stands_is_no_sign_of_life(noise: SessionFact) -> None:
    """A provider tells of an account's limits in a stall as well: the silence is counted on."""
    watch = watching(*((60.0 * n, noise) for n in range(1, 11)))
    assert held(watch, 661.9, 662.0, 677.0) == STALLED


def test_a_heartbeat_of_the_agent_is_a_sign_of_life() -> None:
    """What the agent itself stirs puts the silence off."""
    watch = watching(*((60.0 * n, Stirred("status")) for n in range(1, 11)))
    assert held(watch, 677.0) == [(None, Action.NONE)]


def test_a_clock_that_is_set_hides_no_stall() -> None:
    """Set forward by hours each minute while the session is heard of: it is silent all the same."""
    sample = ProcessSample((SeenProcess(7, 1, "S", 0.1, "codex"),))
    told: list[tuple[float, SessionFact]] = []
    for n in range(1, 11):
        told += [(60.0 * n - 1.0, sample), (60.0 * n, ClockJumped(3_600.0))]
    # A second before each jump it was heard of: no more than that second can have been slept.
    assert held(watching(*told), 671.9, 672.0, 687.0) == STALLED


@pytest.mark.parametrize(("slept", "stalled_at"), [(59.0, 721.0), (60.0, 960.0), (200.0, 960.0)])
def test_a_long_sleep_begins_the_silence_anew(slept: float, stalled_at: float) -> None:
    """Up to a minute of sleep is left out; after more an agent first has to find its connections dead."""
    watch = watching((300.0, ClockJumped(slept)))
    assert held(watch, stalled_at - 0.1, stalled_at, stalled_at + 15.0) == STALLED


def test_a_clock_that_is_set_back_blinds_nobody() -> None:
    """Set back by an hour: what is silent from then on is found at its time, not an hour later."""
    watch = watching((4_000.0, Stirred("reasoning")), (400.0, ClockJumped(-3_600.0)))
    assert held(watch, 1_059.9, 1_060.0, 1_075.0) == STALLED


@pytest.mark.parametrize("command", ["complete", "fail", "release"])
def test_after_the_jobs_end_a_session_is_not_resumed(command: str) -> None:
    """The job's end was accepted and the process lives on: that is limbo, and nothing is done again."""
    watch = watching((10.0, ContractCall(command, ok=True, artifacts=1)))
    limbo = FailureClass.LIMBO_AFTER_RESULT
    assert held(watch, 39.9, 40.0, 609.9, 610.0, 625.0) == [
        (None, Action.NONE),
        (limbo, Action.NONE),
        (limbo, Action.NONE),
        (limbo, Action.TOUCH),
        (limbo, Action.SWEEP),
    ]


def test_a_refused_end_of_the_job_is_none() -> None:
    """A completion that the gate refused leaves the session in its turn."""
    refused = ContractCall("complete", ok=False, error_code="gate_failed")
    assert held(watching((10.0, refused)), 685.0)[0][0] is FailureClass.SILENT_MID_TURN


@pytest.mark.parametrize(("count", "action"), [(9, Action.NONE), (10, Action.INTERRUPT_RESUME)])
def test_a_contract_tool_is_looped_like_any_other(count: int, action: Action) -> None:
    """Who asks for the same context ten times and gets the same goes round."""
    told: list[tuple[float, SessionFact]] = []
    for n in range(count):
        told += [(3.0 + 2 * n, ToolOpened(str(n), "watchkeeper.context", "c", "context"))]
        told += [(4.0 + 2 * n, ToolClosed(str(n), "same"))]
    assert held(watching(*told), 30.0) == [(FailureClass.LOOP_WITHOUT_PROGRESS, action)]


def test_to_tell_the_same_progress_is_no_loop_by_itself() -> None:
    """A session that says each minute that it is at work is judged by its progress, not by its words."""
    told: list[tuple[float, SessionFact]] = []
    for n in range(12):
        told += [(3.0 + 2 * n, ToolOpened(str(n), "watchkeeper.progress", "p", "progress"))]
        told += [(4.0 + 2 * n, ToolClosed(str(n), "same"))]
    assert held(watching(*told), 30.0) == [(None, Action.NONE)]


@pytest.mark.parametrize("words", [["planning"], ["planning", "reading"]])
def test_the_same_words_again_and_again_are_a_loop(words: list[str]) -> None:
    """45 minutes without progress, and nothing but the same sentence; sentences that differ are not."""
    told = [(60.0 * n, Said(words[n % len(words)])) for n in range(1, 45)]
    found = held(watching(*told), 1_201.9, 1_202.0, 2_701.9, 2_702.0)
    loop = FailureClass.LOOP_WITHOUT_PROGRESS
    repeated = [
        (None, Action.NONE),
        (loop, Action.NONE),
        (loop, Action.NONE),
        (loop, Action.INTERRUPT_RESUME),
    ]
    assert found == (repeated if len(words) == 1 else [(None, Action.NONE)] * 4)


BUSY = [
    ProcessSample((SeenProcess(7, 1, "S", 0.0, "codex"), SeenProcess(8, 7, "R", cpu, "make")))
    for cpu in (0, 9)
]
ENDED_WELL: dict[str, tuple[list[tuple[float, SessionFact]], FailureClass]] = {
    "SIGTERM": ([], FailureClass.STATE_LOST),
    "told": ([(9.0, Interrupted())], FailureClass.FALSE_STALL),
    "given away": ([(50.0, LeaseChanged("taken_over", 2, "w2"))], FailureClass.FALSE_STALL),
    "silent 24 s, busy": ([(20.0, BUSY[0]), (26.0, Stirred("x")), (30.0, BUSY[1])], FailureClass.STATE_LOST),
    "silent 25 s, busy": ([(20.0, BUSY[0]), (25.0, Stirred("x")), (30.0, BUSY[1])], FailureClass.FALSE_STALL),
}


@pytest.mark.parametrize("name", ENDED_WELL)
def test_a_signal_alone_is_no_fault_of_a_watchdog(name: str) -> None:
    """Machines that shut down send SIGTERM as well: such a session is resumed, unless somebody took it for stalled."""
    told, failure = ENDED_WELL[name]
    facts = sorted([*told, (50.0, ProcessExited(None, 15))], key=lambda one: one[0])
    watch = watching(
        *[one for one in facts if one[0] < 50.0], *[one for one in facts[::-1] if one[0] == 50.0]
    )
    assert watch.verdict(51.0).failure is failure
    assert watch.look(64.9).action is Action.NONE or failure is FailureClass.FALSE_STALL


@pytest.mark.parametrize(
    ("said", "failure"),
    [
        ("I've deployed the app; everything works.", FailureClass.DONE_AGAINST_EVIDENCE),
        ("I could not deploy the app.", FailureClass.EXIT_WITHOUT_CONTRACT_CALL),
        ("Next I look at the log.", FailureClass.EXIT_WITHOUT_CONTRACT_CALL),
    ],
)
def test_a_claim_after_a_failed_command_is_held_against_it(said: str, failure: FailureClass) -> None:
    """Whatever words claim success, the command before them failed; who admits it, or claims nothing, goes on."""
    watch = watching(
        (3.0, ToolOpened("a", "shell", "deploy")),
        (4.0, ToolClosed("a", "denied", failed=True)),
        (5.0, Said(said)),
        (6.0, TurnEnded(ok=True)),
        (7.0, ProcessExited(0)),
    )
    assert watch.verdict(8.0).failure is failure


AGENT = SeenProcess(7, 3, "S", 0.1, "claude -p --resume 0199-abc")
PROCESSES = {
    "its launcher": (SeenProcess(3, 1, "S", 0.1, "claude -p --resume 0199-abc"), False),
    "its child": (SeenProcess(8, 7, "S", 0.1, "claude -p --resume 0199-abc"), False),
    "another session": (SeenProcess(9, 1, "S", 0.1, "claude -p --resume 0200-def"), False),
    "a reader of its transcript": (SeenProcess(9, 1, "S", 0.1, "tail -f 0199-abc.jsonl"), False),
    "a second run": (SeenProcess(9, 1, "S", 0.1, "claude -p --resume 0199-abc --verbose"), True),
}


@pytest.mark.parametrize("name", PROCESSES)
def test_a_second_run_of_a_thread_is_seen_among_the_processes(name: str) -> None:
    """Claude takes two resumptions of one session at once: who sees both holds the job."""
    other, is_double = PROCESSES[name]
    watch = SessionWatch()
    for fact in (ProcessStarted(7), Began("0199-abc"), ProcessSample((AGENT, other))):
        watch.take(4.0, fact)
    expected = (FailureClass.DUPLICATE_WORK, Action.HOLD) if is_double else (None, Action.NONE)
    assert held(watch, 4.0) == [expected]


@pytest.mark.parametrize(
    ("then", "failure"),
    [
        ([], FailureClass.DONE_AGAINST_EVIDENCE),
        ([ToolClosed("b", "written", wrote=True)], FailureClass.DONE_AGAINST_EVIDENCE),
        ([ToolClosed("b", "passed")], FailureClass.EXIT_WITHOUT_CONTRACT_CALL),
    ],
)
def test_tests_that_failed_pass_by_being_run_again(then: list[ToolClosed], failure: FailureClass) -> None:
    """To have written something after they failed is no reason to say that they pass."""
    opened = [ToolOpened(one.id, "shell", "again") for one in then]
    facts: list[SessionFact] = [
        ToolOpened("a", "shell", "pytest"),
        ToolClosed("a", "1 failed", failed=True),
        *opened,
        *then,
        Said("Fixed. All tests pass."),
        TurnEnded(ok=True),
        ProcessExited(0),
    ]
    assert watching(*((3.0 + n, one) for n, one in enumerate(facts))).verdict(20.0).failure is failure


@pytest.mark.parametrize(("now", "action"), [(62.9, Action.NONE), (63.0, Action.ESCALATE)])
def test_a_tool_that_asks_a_person_waits_for_one(now: float, action: Action) -> None:
    """A question by tool is a question, until the tool has its answer."""
    asked = watching((3.0, ToolOpened("a", "AskUserQuestion", "which?")))
    assert held(asked, now) == [(FailureClass.WAITS_FOR_PERSON, action)]
    asked.take(now, ToolClosed("a", "this one"))
    assert held(asked, now) == [(None, Action.NONE)]


@pytest.mark.parametrize(("renewed_at", "action"), [(114.9, Action.NONE), (200.0, Action.TOUCH)])
def test_a_lease_that_ran_out_is_touched_a_tick_later(renewed_at: float, action: Action) -> None:
    """Until somebody reaps it a renewal counts; one that is a little late needs nobody."""
    watch = watching((50.0, LeaseChanged("claimed", 1, "w")), (100.0, LeaseChanged("expired", 1, "w")))
    if renewed_at <= 115.0:
        watch.take(renewed_at, LeaseChanged("renewed", 1, "w"))
    assert watch.look(114.95).action is Action.NONE
    assert watch.look(115.0).action is action


DECEIVED = [
    (2.0, TurnBegan()),
    (3.0, ToolOpened("a", "shell", "pytest")),
    (4.0, ToolClosed("a", "1 failed", failed=True)),
    (5.0, TurnEnded(ok=True, text="Done, all tests pass.")),
]


@pytest.mark.parametrize("is_told", [False, True])
def test_where_no_process_is_told_a_turns_end_is_the_end(is_told: bool) -> None:
    """A hollow claim is blocked a tick after the turn's end, where nobody will ever tell of an exit."""
    watch = SessionWatch()
    for at, fact in [*([(0.0, ProcessStarted(7))] if is_told else []), (1.0, Began("t")), *DECEIVED]:
        watch.take(at, fact)
    blocked = (FailureClass.DONE_AGAINST_EVIDENCE, Action.BLOCK_COMPLETE)
    assert [one[1] for one in held(watch, 5.0, 19.9)] == [Action.NONE, Action.NONE]
    assert (held(watch, 20.0) == [blocked]) is not is_told
