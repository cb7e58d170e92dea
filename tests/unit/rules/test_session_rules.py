"""Agent sessions: each rule just before, at and just after its threshold, and for healthy sessions that look alike."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from unit.rules.moments import BEGIN, LIMITS, after, assert_fires_after, fires
from watchkeeper.domain.facts import AgentSessionFact
from watchkeeper.domain.rules.judging import judge
from watchkeeper.domain.rules.sessions import (
    SESSION_RULES,
    UNHEARD_RULES,
    session_orphaned,
    session_stalled,
    session_unheard,
    token_budget_exceeded,
    tool_loop,
)
from watchkeeper.domain.sessions.diagnosis import Action, FailureClass
from watchkeeper.domain.sessions.events import (
    Began,
    Limited,
    Retrying,
    ToolOpened,
    Trouble,
    TurnBegan,
    TurnEnded,
)
from watchkeeper.domain.sessions.facts import ProcessStarted, SessionFact
from watchkeeper.domain.sessions.limits import SessionLimits
from watchkeeper.domain.sessions.watch import SessionWatch

SESSION = AgentSessionFact("p", UUID(int=7), "host-1", "codex", BEGIN, UUID(int=1), 1, "build")
TABLE = SessionLimits()


def held(seconds: float, *facts: tuple[float, SessionFact]) -> AgentSessionFact:
    """Give a session as its supervisor tells of it so many seconds after its start, with the classifier's own word."""
    watch = SessionWatch(TABLE)
    for at, fact in ((0.0, ProcessStarted(7)), *facts):
        watch.take(at, fact)
    found = watch.look(seconds)
    told = {"failure": found.failure, "action": found.action, "because": found.because}
    return replace(SESSION, evidence=found.evidence, **told)


def rules_of(session: AgentSessionFact) -> list[str]:
    return [
        finding.rule for finding in judge((*SESSION_RULES, *UNHEARD_RULES), [session], LIMITS, BEGIN).findings
    ]


@pytest.mark.parametrize(
    ("facts", "act"),
    [
        ([], TABLE.first_event_act_seconds),
        ([(1.0, Began("th")), (1.0, TurnBegan())], 1 + TABLE.silence_act_seconds),
        ([(1.0, Began("th")), (1.0, ToolOpened("i", "shell", "c"))], 1 + TABLE.tool_silence_act_seconds),
    ],
)
def test_a_stalled_session_is_told_at_the_limit_of_its_class(
    facts: list[tuple[float, SessionFact]], act: float
) -> None:
    """No first event, silence, silence with a tool open: only observed before, told when it is to be acted on."""
    before, at = held(act - 1e-6, *facts), held(act, *facts)
    assert before.failure is not None
    assert (rules_of(before), rules_of(at)) == ([], ["session_stalled"])
    assert rules_of(replace(at, is_over=True)) == []


@pytest.mark.parametrize(
    ("seconds", "facts"),
    [
        (405.0, [(0.1, Began("th")), (0.2, TurnBegan())]),
        (600.0, [(0.1, Began("th")), (0.2, ToolOpened("i", "pytest", "c"))]),
        (7_000.0, [(0.1, Began("th")), (1.0, Limited(9_000.0, "usage limit"))]),
        (640.0, [(0.1, Began("th")), *((n * 60.0, Retrying(Trouble.UNREACHABLE)) for n in range(1, 11))]),
        (100.0, []),
    ],
    ids=[
        "a stall that recovers",
        "a tool of ten minutes",
        "parked on a quota",
        "an unreachable provider",
        "a slow start",
    ],
)
def test_healthy_sessions_that_look_alike_are_left_alone(
    seconds: float, facts: list[tuple[float, SessionFact]]
) -> None:
    """What only looks stuck, or waits for what no interruption brings, is no incident."""
    assert rules_of(held(seconds, *facts)) == []


def test_retries_without_end_are_a_stall_while_they_are_acted_on() -> None:
    """A provider that answers with errors for ten minutes: the session is to be interrupted, and that is told."""
    retries = [(0.1, Began("th")), *((n * 30.0, Retrying(Trouble.SERVER_ERROR)) for n in range(1, 25))]
    session = held(30.0 + TABLE.retries_act_seconds, *retries)
    assert (session.failure, rules_of(session)) == (FailureClass.PROVIDER_RETRY_LOOP, ["session_stalled"])


@pytest.mark.parametrize(("trouble", "told"), [(Trouble.AUTH, ["doctor_failed"]), (Trouble.RATE_LIMIT, [])])
def test_a_refused_login_is_told_of_the_worker(trouble: Trouble, told: list[str]) -> None:
    """One incident for a worker, however many sessions fail of it, over or not; a limit that passes is none."""
    session = held(5.0, (0.1, Began("th")), (3.0, TurnEnded(ok=False, trouble=trouble, text="401")))
    assert rules_of(session) == rules_of(replace(session, is_over=True)) == told
    for finding in judge(SESSION_RULES, [session], LIMITS, BEGIN).findings:
        assert (finding.identity, finding.cause) == (("worker", "host-1", "login"), "login_refused")


def test_a_session_of_which_nobody_tells() -> None:
    """Its supervisor is silent for as long as a silent session is borne: told then, while its job runs under it."""
    at = after(660.0)
    assert_fires_after(session_unheard, SESSION, at)
    late = after(10_000.0)
    assert not fires(session_unheard, replace(SESSION, is_over=True), late)
    assert not fires(session_unheard, replace(SESSION, is_running=False), late)
    assert not fires(session_unheard, replace(SESSION, heard_at=after(9_900.0)), late), (
        "parked, at a long tool, quiet"
    )


def test_a_loop_is_told_once_it_is_acted_on() -> None:
    """The same call with the same result is observed first; held for well or over, it is none."""
    looping = replace(SESSION, failure=FailureClass.LOOP_WITHOUT_PROGRESS, action=Action.INTERRUPT_RESUME)
    assert rules_of(looping) == ["tool_loop"]
    for other in (
        replace(looping, action=Action.NONE),
        replace(looping, is_over=True),
        replace(looping, failure=FailureClass.SILENT_MID_TURN, action=Action.NONE),
    ):
        assert not fires(tool_loop, other, BEGIN)
    assert not fires(session_stalled, looping, BEGIN)


@pytest.mark.parametrize(("used", "told"), [(999, False), (1_000, False), (1_001, True), (None, False)])
def test_a_budget_is_exceeded_by_what_is_over_it(used: int | None, told: bool) -> None:
    """One token less, all of them, one more; the cost likewise; without a limit nothing is too much."""
    session = replace(SESSION, tokens_used=used, tokens_limit=1_000)
    assert fires(token_budget_exceeded, session, BEGIN) is told
    cost = None if used is None else used / 1_000
    assert fires(token_budget_exceeded, replace(SESSION, cost=cost, cost_limit=1.0), BEGIN) is told
    assert not fires(token_budget_exceeded, replace(session, tokens_limit=None), BEGIN)


def test_what_a_sweep_left_is_told() -> None:
    """One process that it could not prove is enough, also after the end; none is none."""
    left = ({"pid": 90, "command": "chrome", "why": "another user"},)
    assert fires(session_orphaned, replace(SESSION, left=left, is_over=True), BEGIN)
    assert not fires(session_orphaned, replace(SESSION, is_over=True), BEGIN)
