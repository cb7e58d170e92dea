"""What comes after a turn: one row for each way in which an agent that converses can end, and its restarts."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.agents.session import End, EndReason
from watchkeeper.domain.jobs import StateReason
from watchkeeper.domain.sessions.diagnosis import Action, Diagnosis, FailureClass
from watchkeeper.domain.sessions.events import Trouble, TurnEnded
from watchkeeper.services.supervision.steps import (
    Done,
    GiveUp,
    GoOn,
    LoggedOut,
    Mend,
    Probe,
    Quota,
    Step,
    TurnOver,
    after_turn,
)

F = FailureClass
NOW = 1_000.0
WELL = TurnEnded(ok=True)


def end(reason: EndReason = EndReason.EXITED, code: int | None = None, signal: int | None = None) -> End:
    return End(reason, code, signal, "", "why", 0.0, 1.0, 1.0, 0.1, None)


def held(failure: FailureClass, action: Action, **more: Any) -> Diagnosis:
    return Diagnosis(failure, action, "because", **more)


def failed(trouble: Trouble) -> TurnEnded:
    return TurnEnded(ok=False, trouble=trouble, text="said")


EXIT_0, KILLED, ASKED = end(code=0), end(signal=9), end(EndReason.INTERRUPTED, signal=15)
STUCK = held(F.SILENT_MID_TURN, Action.INTERRUPT_RESUME)
LIMBO = held(F.LIMBO_AFTER_RESULT, Action.SWEEP)
NO_CALL = held(F.EXIT_WITHOUT_CONTRACT_CALL, Action.RETRY)
LIE = held(F.DONE_AGAINST_EVIDENCE, Action.BLOCK_COMPLETE)

ROWS: list[tuple[str, TurnOver, Step | type[Step]]] = [
    ("a good end", TurnOver(EXIT_0, WELL), Done()),
    ("a good end against evidence", TurnOver(EXIT_0, WELL, final=LIE), Mend("F08", "because")),
    ("a good end without a call", TurnOver(EXIT_0, WELL, final=NO_CALL), Mend("F09", "because")),
    ("killed after its last word", TurnOver(KILLED, WELL, final=NO_CALL), GoOn("F09", "because")),
    ("killed after a lie", TurnOver(KILLED, WELL, final=LIE), GoOn("F08", "because")),
    ("killed", TurnOver(KILLED), GoOn),
    ("exit code 0 without a last word", TurnOver(EXIT_0), GoOn),
    ("a last word, and exit code 1", TurnOver(end(code=1), WELL), GoOn),
    ("the shim is gone", TurnOver(None), GoOn),
    ("never started", TurnOver(end(EndReason.NOT_STARTED)), GiveUp),
    ("the hard cap", TurnOver(end(EndReason.HARD_CAP, signal=15)), GiveUp),
    ("too much output", TurnOver(end(EndReason.OUTPUT_LIMIT, signal=15)), GiveUp),
    ("interrupted by us", TurnOver(ASKED, acted=STUCK), GoOn("F02", "because")),
    ("ended well though it was interrupted", TurnOver(EXIT_0, WELL, acted=STUCK), GoOn("F02", "because")),
    ("lived on after a good end", TurnOver(ASKED, WELL, acted=LIMBO, final=LIMBO), Done()),
    ("lived on after a lie", TurnOver(ASKED, WELL, acted=LIMBO, final=LIE), Mend("F08", "because")),
    ("lived on after a failure", TurnOver(ASKED, failed(Trouble.OTHER), acted=LIMBO), GoOn),
    ("a limit with its end", TurnOver(end(code=1), failed(Trouble.USAGE_LIMIT), until=9.0), Quota),
    ("a limit of an hour", TurnOver(end(code=1), failed(Trouble.USAGE_LIMIT)), Quota),
    ("out of reach", TurnOver(end(code=1), failed(Trouble.UNREACHABLE)), Probe),
    ("a refused login", TurnOver(end(code=1), failed(Trouble.AUTH), until=9.0), LoggedOut),
    (
        "a login that was refused again and again",
        TurnOver(ASKED, acted=held(F.PROVIDER_RETRY_LOOP, Action.PARK, evidence={"trouble": "auth"})),
        LoggedOut(NOW + 600, "because"),
    ),
    ("a full context", TurnOver(end(code=1), failed(Trouble.CONTEXT_OVERFLOW)), GoOn),
    ("a used-up budget", TurnOver(end(code=1), failed(Trouble.BUDGET)), GiveUp),
    ("its tools are missing", TurnOver(end(code=1), failed(Trouble.TOOLS_MISSING)), GiveUp),
    ("a limit of the job", TurnOver(ASKED, stopped=GiveUp("budget", "x")), GiveUp("budget", "x")),
]


@pytest.mark.parametrize(("name", "over", "step"), ROWS, ids=[row[0] for row in ROWS])
def test_each_end_has_its_step(name: str, over: TurnOver, step: Step | type[Step]) -> None:
    """Success only where process, last word and evidence agree; all else is mended, gone on with, or told."""
    found = after_turn(over, 0, 3, NOW)
    assert isinstance(found, step) if isinstance(step, type) else found == step


@pytest.mark.parametrize(
    ("over", "reason"),
    [
        (TurnOver(KILLED), StateReason.CRASH_LOOP),
        (TurnOver(ASKED, acted=STUCK), StateReason.AGENT_STALLED),
        (TurnOver(end(code=1), failed(Trouble.CONTEXT_OVERFLOW)), StateReason.AGENT_STALLED),
    ],
)
def test_restarts_end_with_a_person(over: TurnOver, reason: StateReason) -> None:
    """The third restart is the last one; what would be the fourth is held, with its class and what shows it."""
    assert isinstance(after_turn(over, 2, 3, NOW), GoOn)
    given_up = after_turn(over, 3, 3, NOW)
    assert isinstance(given_up, GiveUp)
    assert given_up.held is reason
    assert given_up.evidence["process"]


def test_a_turn_that_a_person_had_cut_goes_on_and_counts_as_no_restart() -> None:
    """Nothing is wrong with it: its thread goes on with the person's words, however often it was begun again."""
    asked = Diagnosis(None, Action.INTERRUPT_RESUME, "A person asked for it: wrong way")
    assert after_turn(TurnOver(ASKED, acted=asked), 3, 3, NOW) == GoOn(
        "asked_for", asked.because, counts=False
    )


def test_a_limit_parks_until_its_end_and_else_for_an_hour() -> None:
    """The time that the provider told is taken as it is; without one an hour is waited."""
    told = after_turn(TurnOver(end(code=1), failed(Trouble.USAGE_LIMIT), until=5_000.0), 3, 3, NOW)
    untold = after_turn(TurnOver(end(code=1), failed(Trouble.USAGE_LIMIT)), 3, 3, NOW)
    assert isinstance(told, Quota)
    assert isinstance(untold, Quota)
    assert (told.until, untold.until) == (5_000.0, NOW + 3600)


ENDS = st.one_of(
    st.none(),
    st.builds(
        end, st.sampled_from(EndReason), st.sampled_from([None, 0, 1, 137]), st.sampled_from([None, 9, 15])
    ),
)
WORDS = st.one_of(st.none(), st.just(WELL), st.builds(failed, st.sampled_from(Trouble)))
HELD = st.one_of(st.none(), st.builds(held, st.sampled_from(FailureClass), st.sampled_from(Action)))


@given(over=st.builds(TurnOver, ENDS, WORDS, HELD, HELD), restarts=st.integers(0, 5))
def test_nothing_is_called_done_that_did_not_end_well(over: TurnOver, restarts: int) -> None:
    """Whatever was seen, success needs a good last word, and evidence that does not block it; restarts are bounded."""
    step = after_turn(over, restarts, 3, NOW)
    if isinstance(step, Done):
        assert over.terminal == WELL
        assert over.final is None or over.final.action is not Action.BLOCK_COMPLETE
    if restarts >= 3:
        assert not isinstance(step, GoOn)
