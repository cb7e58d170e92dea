"""Three sentences about a heartbeat hold whatever a helper does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from unit.heartbeat_stage import OK, A, B, Stage
from watchkeeper.domain.heartbeat_memory import Memory
from watchkeeper.domain.heartbeat_steps import (
    AddMissing,
    Answer,
    Asked,
    Call,
    Check,
    Checked,
    Command,
    Ending,
    GoOn,
    LateAnswer,
    Lease,
    LeaseStanding,
    NextKept,
    Publish,
    Settle,
    Step,
    SwitchToShared,
    Verdict,
    Why,
    Work,
    Worked,
)
from watchkeeper.domain.helper_answers import Outcome, Reply

replies = st.builds(
    Reply,
    outcome=st.sampled_from([*Outcome, *[Outcome.FETCH_FAILED] * 4, Outcome.REJECTED]),
    jobs=st.sampled_from([(), (A,), (B,), (A, B), (A,), (A,)]),
    state=st.sampled_from([None, "running", "completed"]),
    deliverable_id=st.sampled_from([None, "d"]),
    missing_kinds=st.sampled_from([(), ("dashboard",)]),
    is_local_only=st.booleans(),
    claims_success=st.sampled_from([False, False, False, True]),
    exposes_secret=st.sampled_from([False, False, False, False, True]),
)
asked = st.builds(Asked, st.sampled_from([Command.CONTEXT, Command.PROGRESS, Command.FAIL, Command.RELEASE]))
TROUBLE = [*Command, Lease, Work, Check, Publish, SwitchToShared, AddMissing, LateAnswer, NextKept, Answer]


@dataclass
class Arbitrary(Stage):
    """Anything may happen at the steps that are `troubled`."""

    draw: Callable[[Any], Any] = lambda strategy: None
    troubled: frozenset[Any] = frozenset()

    def answer(self, step: Step) -> Any:
        kind = step.command if isinstance(step, Call) else Work if isinstance(step, GoOn) else type(step)
        if len(self.steps) > 80 or kind not in self.troubled:
            return OK if isinstance(step, GoOn) and self.waits_for_a_call() else super().answer(step)
        match step:
            case Call():
                near = step.watches_lease and self.draw(st.booleans())
                return LeaseStanding.NEAR if near else self.draw(replies)
            case Lease():
                return self.draw(st.sampled_from(LeaseStanding))
            case GoOn() if self.waits_for_a_call():
                return self.draw(replies)
            case Work() | GoOn():
                worked = st.builds(Worked, is_done=st.booleans(), has_files=st.booleans())
                return self.draw(worked | st.just(LeaseStanding.NEAR) | asked)
            case Check():
                return self.draw(st.builds(Checked, passed=st.booleans(), is_local_only=st.booleans()))
            case LateAnswer():
                return self.draw(st.none() | replies)
            case NextKept():
                return self.draw(st.sampled_from([0, 1]))
        return self.draw(st.booleans())

    def waits_for_a_call(self) -> bool:
        """Say whether the work has ended, and does not go on: what GoOn waits for then is a call."""
        begun = [place for place, (step, _) in enumerate(self.steps) if isinstance(step, Work)]
        return any(isinstance(happened, Worked) for _, happened in self.steps[begun[-1] :] if begun)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_the_three_sentences_hold_whatever_the_helper_does(data: st.DataObject) -> None:
    """No command is retried twice, no second job is worked on, and no success is told where complete failed."""
    memory = Memory()
    for _ in range(data.draw(st.integers(1, 2))):
        troubled = data.draw(st.frozensets(st.sampled_from(TROUBLE), max_size=4))
        stage = Arbitrary(memory=memory, draw=data.draw, troubled=troubled)
        ending = stage.heartbeat()
        _no_second_retry(stage)
        _no_second_job(stage, ending)
        _no_false_success(stage, ending)


def _mended(stage: Stage) -> int:
    """Count how often the work went on after a refusal: what it then hands in is another completion."""
    return sum(isinstance(step, Answer) and happened is True for step, happened in stage.steps)


def _no_second_retry(stage: Stage) -> None:
    retries = stage.calls(Why.RETRY)
    assert len(retries) == len(set(retries))
    assert stage.calls(Why.TURN).count("claim") <= 1
    assert stage.calls(Why.TURN).count("complete") <= 1 + _mended(stage)


def _no_second_job(stage: Stage, ending: Ending) -> None:
    assert stage.did(Work) <= 1 + _mended(stage)
    has_job = False
    jobs = set()
    for step, happened in stage.steps:
        if isinstance(step, Call) and step.command is Command.CLAIM:
            assert not has_job
        is_claim = isinstance(step, LateAnswer) or (isinstance(step, Call) and step.command is Command.CLAIM)
        if is_claim and isinstance(happened, Reply) and happened.outcome is Outcome.OK:
            jobs |= {job.id for job in happened.jobs}
            has_job = has_job or bool(happened.jobs)
        if isinstance(step, Work):
            assert jobs, "a job was worked on that no good answer handed out"
    if len(jobs) > 1:
        assert not stage.did(Work)
        assert ending.verdict is Verdict.STOPPED


def _no_false_success(stage: Stage, ending: Ending) -> None:
    last = None
    passed = False
    for step, happened in stage.steps:
        if isinstance(step, Check):
            passed = happened.passed
        if isinstance(step, Call) and step.command is Command.COMPLETE and step.why is not Why.KEPT:
            assert passed, "complete was run for what had not passed"
            last = happened
        if isinstance(step, Call) and step.why is Why.LOOK:
            last = happened
        if isinstance(step, Settle) and step.is_completed:
            _, before = stage.steps[stage.steps.index((step, happened)) - 1]
            assert before.is_ok
            assert before.says_completed
    assert (ending.verdict is Verdict.COMPLETED) <= (last is not None and last.is_ok and last.says_completed)
