"""Whatever is told of a session, in whatever order: what must never be said of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.domain.sessions.diagnosis import Action
from watchkeeper.domain.sessions.events import (
    Began,
    Limited,
    Retrying,
    Said,
    Spent,
    Stirred,
    ToolClosed,
    ToolOpened,
    Trouble,
    TurnBegan,
    TurnEnded,
    Unknown,
    Unreadable,
    Waits,
)
from watchkeeper.domain.sessions.facts import (
    ArtifactChecked,
    ClockJumped,
    ContractCall,
    ErrorLine,
    Interrupted,
    LeaseChanged,
    ProcessesLeft,
    ProcessExited,
    ProcessSample,
    ProcessStarted,
    QueueTick,
    SeenProcess,
    SessionFact,
    TranscriptGrew,
    WorkspaceChanged,
)
from watchkeeper.domain.sessions.watch import SessionWatch

IDS = st.sampled_from("abc")
TROUBLES = st.sampled_from(Trouble)
COMMANDS = st.sampled_from(
    ["claim", "context", "progress", "upload-files", "verify", "complete", "fail", "release"]
)
CODES = st.sampled_from([None, "stale_lease", "gate_failed", "job_not_found", "internal_error", "queued"])
PROCESS = st.builds(
    SeenProcess, st.integers(1, 9), st.integers(0, 9), st.sampled_from("SRZ"), st.floats(0, 1e4)
)
PROCESSES = st.lists(PROCESS, max_size=4).map(tuple)
COUNT = st.none() | st.integers(0, 3)
CHECKS = st.builds(ArtifactChecked, st.sampled_from([None, 200, 404]), COUNT, COUNT)
WORDS = st.sampled_from(["", "Done.", "All tests pass.", "It failed.", "usage limit reached"])

STREAM: st.SearchStrategy[SessionFact] = st.one_of(
    st.builds(Began, st.none() | IDS),
    st.just(TurnBegan()),
    st.builds(ToolOpened, IDS, st.just("shell"), IDS, st.none() | COMMANDS),
    st.builds(ToolClosed, IDS, IDS, st.booleans(), st.booleans()),
    st.builds(Said, WORDS),
    st.builds(Stirred, st.sampled_from(["reasoning", "status", "output"])),
    st.builds(Retrying, TROUBLES, st.just("x"), st.none() | st.floats(0, 1e5)),
    st.builds(Limited, st.none() | st.floats(0, 1e6)),
    st.builds(Waits, st.just("sure?")),
    st.builds(Spent, st.integers(0, 9)),
    st.builds(TurnEnded, st.booleans(), st.none() | TROUBLES, WORDS),
    st.builds(Unknown, st.sampled_from(["moon", "approval_requested"])),
    st.builds(Unreadable, WORDS),
)
BESIDE: st.SearchStrategy[SessionFact] = st.one_of(
    st.builds(ContractCall, COMMANDS, st.booleans(), CODES, st.none() | IDS, COUNT),
    st.builds(ProcessStarted, st.integers(1, 9)),
    st.builds(ProcessSample, PROCESSES, COUNT),
    st.builds(ProcessExited, st.none() | st.integers(-15, 150), st.none() | st.sampled_from([9, 15])),
    st.builds(ProcessesLeft, PROCESSES),
    st.builds(
        LeaseChanged, st.sampled_from(["claimed", "renewed", "expired", "taken_over"]), st.integers(1, 3)
    ),
    CHECKS,
    st.builds(WorkspaceChanged, st.integers(0, 2), st.integers(0, 2)),
    st.just(TranscriptGrew()),
    st.builds(ErrorLine, WORDS),
    st.builds(QueueTick, st.integers(0, 3), st.integers(0, 3), st.integers(0, 1)),
    st.builds(ClockJumped, st.floats(-1e4, 1e4)),
)
GAPS = st.sampled_from([0.0, 0.1, 5.0, 40.0, 200.0, 700.0, 8_000.0])
ANY_FACTS = st.lists(st.tuples(GAPS, STREAM | BESIDE), max_size=25)


def told(facts: list[tuple[float, SessionFact]]) -> tuple[SessionWatch, float]:
    watch, at = SessionWatch(), 0.0
    for gap, fact in facts:
        at += gap
        watch.take(at, fact)
        assert watch.look(at).action is not Action.KILL
    return watch, at


@given(ANY_FACTS)
def test_nothing_is_killed_that_was_not_asked_to_end(facts: list[tuple[float, SessionFact]]) -> None:
    """Without an interruption there is no kill, however long one waits; and each look names a later next one."""
    watch, now = told(facts)
    for _ in range(60):
        found = watch.look(now)
        assert found.action is not Action.KILL
        if found.next_at is None:
            break
        assert found.next_at > now
        now = found.next_at
    assert watch.verdict(now).action is not Action.KILL


@given(ANY_FACTS, st.sampled_from([0.0, 9.9, 10.0, 500.0]))
def test_only_who_ignores_an_interruption_is_killed(
    facts: list[tuple[float, SessionFact]], later: float
) -> None:
    """Ten seconds after it was asked to end, what still lives ignored it; what has ended did not."""
    watch, at = told([one for one in facts if not isinstance(one[1], ProcessStarted | ProcessExited)])
    watch.take(at, Interrupted())
    assert (watch.look(at + later).action is Action.KILL) == (later >= 10.0)
    watch.take(at + later, ProcessExited(None, 15))
    assert watch.look(at + later + 500.0).action is not Action.KILL


@given(ANY_FACTS)
def test_no_end_is_well_without_a_receipt(facts: list[tuple[float, SessionFact]]) -> None:
    """A session that ended is held for well only where the contract took its completion, or took the job back."""
    watch, at = told([*facts, (1.0, ProcessExited(0))])
    taken = {
        fact.command
        for _, fact in facts
        if isinstance(fact, ContractCall) and fact.ok and fact.command in ("complete", "fail", "release")
    }
    spoken = any(isinstance(fact, ToolOpened) and fact.contract is not None for _, fact in facts)
    if not taken and not spoken:
        assert watch.verdict(at).failure is not None
        assert watch.look(at + 10_000.0).failure is not None


@given(
    ANY_FACTS, st.sampled_from([ArtifactChecked(404), ArtifactChecked(200, 0), ArtifactChecked(200, 3, 0)])
)
def test_no_hollow_artifact_is_well(facts: list[tuple[float, SessionFact]], hollow: ArtifactChecked) -> None:
    """Whatever came before, a completion over an artifact that was last seen missing or empty is not well."""
    facts = [one for one in facts if not isinstance(one[1], ContractCall)]
    watch, at = told([*facts, (1.0, hollow), (1.0, ContractCall("complete", True)), (1.0, ProcessExited(0))])
    assert watch.verdict(at).failure is not None


@given(
    st.permutations([ArtifactChecked(404), ContractCall("complete", True), TurnEnded(True), ProcessExited(0)])
)
def test_the_order_of_an_end_does_not_matter(facts: list[SessionFact]) -> None:
    """Evidence, completion, last word and exit come as they like: what contradicts the end blocks it."""
    watch, at = told([(0.1, fact) for fact in [ProcessStarted(3), Began("t"), TurnBegan(), *facts]])
    assert watch.verdict(at).action is Action.BLOCK_COMPLETE
    assert watch.look(at + 60.0).action is Action.BLOCK_COMPLETE
