"""The gates before a process is asked to end: in no order of events is there a way to the act past any of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from watchkeeper.domain.errors import SettingError
from watchkeeper.domain.host_guard.gates import Facts, Gate, Word, judge_gates
from watchkeeper.domain.host_guard.limits import Limits

ASKER, OTHER = (uuid5(UUID(int=1), name) for name in ("asker", "other"))
LIMITS = Limits()
NOW = datetime(2026, 11, 22, tzinfo=UTC)
NOTHING = Facts(
    now=NOW,
    plan_digest="plan-1",
    asked_by=ASKER,
    words=(),
    has_window=False,
    evidence_ref=None,
    rule=None,
    targets=0,
    scanned_ago=None,
    drift=(),
    has_post_checks=False,
    runs_last_hour=2,
    since_last=0.0,
    is_one_under_way=True,
    is_tripped=True,
    actions_on=False,
)
READY = replace(
    NOTHING,
    words=(Word(OTHER, "plan-1", NOW, NOW + timedelta(hours=1)),),
    has_window=True,
    evidence_ref="packet:1",
    rule="host_orphan_browser",
    targets=1,
    scanned_ago=0.5,
    has_post_checks=True,
    runs_last_hour=0,
    since_last=None,
    is_one_under_way=False,
    is_tripped=False,
    actions_on=True,
)
BROKEN = {
    Gate.MAINTENANCE_WINDOW: {"has_window": False},
    Gate.EVIDENCE_REF: {"evidence_ref": None},
    Gate.MATCHING_RULE: {"rule": None},
    Gate.FRESH_DRY_RUN: {"drift": ("the pid was reused",)},
    Gate.POST_CHECK_PLAN: {"has_post_checks": False},
    Gate.TARGETS: {"targets": 9},
    Gate.RUNS_PER_HOUR: {"runs_last_hour": 2},
    Gate.COOL_DOWN: {"since_last": 1799.0},
    Gate.ONE_AT_A_TIME: {"is_one_under_way": True},
    Gate.BREAKER: {"is_tripped": True},
    Gate.KILL_SWITCH: {"actions_on": False},
}


def unmet(facts: Facts) -> set[Gate]:
    return {verdict.gate for verdict in judge_gates(facts, LIMITS) if not verdict.is_met}


class Gates(RuleBasedStateMachine):
    """Facts change in any order; a model of its own says by the simplest means which gates are open."""

    def __init__(self) -> None:
        super().__init__()
        self.facts = NOTHING

    @rule(
        by=st.sampled_from([ASKER, OTHER]),
        digest=st.sampled_from(["plan-1", "plan-2"]),
        minutes=st.sampled_from([1, 60, 600]),
    )
    def approve(self, by: UUID, digest: str, minutes: int) -> None:
        now = self.facts.now
        word = Word(by, digest, now, now + timedelta(minutes=minutes))
        self.facts = replace(self.facts, words=(*self.facts.words[-3:], word))

    @rule(data=st.data(), change=st.sampled_from([{"is_used": True}, {"is_withdrawn": True}]))
    def spend(self, data: st.DataObject, change: dict[str, bool]) -> None:
        if self.facts.words:
            at = data.draw(st.integers(0, len(self.facts.words) - 1))
            words = list(self.facts.words)
            words[at] = replace(words[at], **change)
            self.facts = replace(self.facts, words=tuple(words))

    @rule(minutes=st.sampled_from([1, 30, 61]))
    def time_passes(self, minutes: int) -> None:
        self.facts = replace(self.facts, now=self.facts.now + timedelta(minutes=minutes))

    @rule(gate=st.sampled_from(sorted(BROKEN)), is_open=st.booleans())
    def turn(self, gate: Gate, is_open: bool) -> None:
        broken = BROKEN[gate]
        mended = {name: getattr(READY, name) for name in broken}
        if gate is Gate.FRESH_DRY_RUN:
            mended["scanned_ago"] = READY.scanned_ago
        self.facts = replace(self.facts, **(mended if is_open else broken))

    @rule(seconds=st.sampled_from([None, 0.0, 59.0, 61.0, -1.0]))
    def scan(self, seconds: float | None) -> None:
        self.facts = replace(self.facts, scanned_ago=seconds)

    @rule(who=st.sampled_from([None, ASKER]))
    def asked(self, who: UUID | None) -> None:
        self.facts = replace(self.facts, asked_by=who)

    @invariant()
    def each_gate_is_judged_once_and_by_itself(self) -> None:
        verdicts = judge_gates(self.facts, LIMITS)
        assert [verdict.gate for verdict in verdicts] == list(Gate)
        facts = self.facts
        model = {
            Gate.OWNER_APPROVAL: any(
                word.by == OTHER
                and facts.asked_by is not None
                and word.plan_digest == "plan-1"
                and not (word.is_used or word.is_withdrawn)
                and facts.now - word.given_at < min(timedelta(hours=1), word.expires_at - word.given_at)
                for word in facts.words
            ),
            Gate.MAINTENANCE_WINDOW: facts.has_window,
            Gate.EVIDENCE_REF: facts.evidence_ref is not None,
            Gate.MATCHING_RULE: facts.rule is not None,
            Gate.FRESH_DRY_RUN: facts.scanned_ago in (0.0, 0.5, 59.0) and not facts.drift,
            Gate.POST_CHECK_PLAN: facts.has_post_checks,
            Gate.TARGETS: facts.targets == 1,
            Gate.RUNS_PER_HOUR: facts.runs_last_hour == 0,
            Gate.COOL_DOWN: facts.since_last is None,
            Gate.ONE_AT_A_TIME: not facts.is_one_under_way,
            Gate.BREAKER: not facts.is_tripped,
            Gate.KILL_SWITCH: facts.actions_on,
        }
        assert {verdict.gate: verdict.is_met for verdict in verdicts} == model


TestGates = Gates.TestCase


def test_nothing_lacks_once_every_gate_is_met() -> None:
    """The way to the act exists, and one answer names all twelve where none is met."""
    assert unmet(READY) == set()
    assert unmet(NOTHING) == set(Gate)


@pytest.mark.parametrize("gate", BROKEN)
def test_each_gate_stops_it_alone(gate: Gate) -> None:
    """Whichever gate is not met, it is the one that is named, and its reason is said."""
    facts = replace(READY, **BROKEN[gate])
    assert unmet(facts) == {gate}
    [why] = [verdict.lacks for verdict in judge_gates(facts, LIMITS) if not verdict.is_met]
    assert len(why) > 10


@pytest.mark.parametrize(
    "wrong", [{"most_targets": 0}, {"runs_per_hour": 0}, {"cool_down": -1.0}, {"post_checks": (30, 300)}]
)
def test_limits_that_are_none_are_refused(wrong: dict[str, int]) -> None:
    """No setting takes a brake or a look away."""
    with pytest.raises(SettingError):
        Limits(**wrong)
