"""People act on jobs, kinds, the project and the switch."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from properties.queue_base import (
    SELDOM,
    TARGETS,
)
from properties.queue_holders import Holders
from properties.queue_model import (
    PENDING,
    RUNNING,
    Job,
)
from watchkeeper.domain.errors import Conflict
from watchkeeper.domain.jobs import TERMINAL, StateReason, may_move


class People(Holders):
    """Operators."""

    @precondition(lambda self: self.model.jobs)
    @rule(data=st.data(), act=st.sampled_from(list(TARGETS)), force=st.booleans())
    def operate(self, data: st.DataObject, act: str, force: bool) -> None:
        job = data.draw(st.sampled_from(list(self.model.jobs.values())))
        allowed = may_move(job.state, TARGETS[act]) and (act, job.state) != ("resume", RUNNING)
        now = self.facts.now()
        try:
            moved = self.do(
                self.app.operations.move(self.project, self._id(job), act, actor="t", reason="r", force=force)
            )
        except Conflict:
            assert not allowed
            return
        assert allowed
        if job.state is RUNNING and act == "cancel" and not force:
            assert moved.cancel_requested
            self.model.hold_on(job, cancel_requested=True)
            return
        retired = [job.holding.lease] if job.holding else []
        if act == "resume":
            told = self.model.resume(job, now)
        else:
            told = job.go(TARGETS[act], StateReason.OPERATOR)
        self._left(job, told, retired)

    @precondition(lambda self: self.model.jobs)
    @rule(data=st.data())
    def requeue(self, data: st.DataObject) -> None:
        job = data.draw(st.sampled_from(list(self.model.jobs.values())))
        now = self.facts.now()
        try:
            made = self.do(self.app.operations.requeue(self.project, self._id(job), actor="t", reason="r"))
        except Conflict:
            assert job.state in (PENDING, RUNNING)
            return
        assert job.state not in (PENDING, RUNNING)
        if job.state not in TERMINAL:
            assert made.existing
            self._left(job, self.model.resume(job, now), [])
        elif made.existing:
            assert job.unique_key is not None
            assert self.model.holder_of(job.unique_key, job.kind) is self.model.jobs[made.seq]
        else:
            self._came(Job(made.seq, job.kind, job.priority, unique_key=job.unique_key), now)

    @rule(kind=st.sampled_from(["short", "limited"]), paused=SELDOM)
    def pause_kind(self, kind: str, paused: bool) -> None:
        self.do(self.app.kinds.set_kind_paused(self.project, kind, paused=paused, actor="t", reason="r"))
        (self.model.paused_kinds.add if paused else self.model.paused_kinds.discard)(kind)

    @rule(paused=SELDOM)
    def pause_project(self, paused: bool) -> None:
        self.do(self.app.kinds.set_project_paused(self.project, paused=paused, actor="t", reason="r"))
        self.model.project_paused = paused

    @rule(is_on=SELDOM.map(lambda off: not off))
    def switch_claims(self, is_on: bool) -> None:
        self.do(self.app.kinds.set_switch("claims", is_on=is_on, actor="t", reason="r"))
        self.model.claims_on = is_on
