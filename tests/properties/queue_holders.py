"""Holders renew, use and end what they hold, and use tokens that are old."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from properties.queue_base import (
    ENDS,
    ended,
)
from properties.queue_claims import Claiming
from properties.queue_model import (
    CANCELLED,
    COMPLETED,
    PENDING,
    STUCK,
    Job,
)
from watchkeeper.domain.jobs import AttemptCause, OnLost, StateReason
from watchkeeper.storage import jobs as store
from watchkeeper.storage.jobs import Completion, HeldLease


class Holders(Claiming):
    """Workers with jobs in their hands."""

    @precondition(lambda self: self.model.running())
    @rule(data=st.data())
    def renew(self, data: st.DataObject) -> None:
        jobs = data.draw(st.lists(st.sampled_from(self.model.running()), min_size=1, unique_by=id))
        stale = (
            data.draw(st.lists(st.sampled_from(self.model.old), max_size=2, unique_by=id))
            if self.model.old
            else []
        )
        asked = {lease.seq: lease for lease in [*stale, *(job.holding.lease for job in jobs if job.holding)]}
        rows = self.do(self.app.queue.renew(self.project, list(asked.values())))
        live = {job.seq for job in jobs}
        assert set(rows) == live
        for job in jobs:
            assert job.holding is not None
            assert rows[job.seq]["cancel_requested"] == job.holding.cancel_requested
            self.model.hold_on(job, expires_at=rows[job.seq]["expires_at"])

    @precondition(lambda self: self.model.running())
    @rule(data=st.data())
    def use(self, data: st.DataObject) -> None:
        job = data.draw(st.sampled_from(self.model.running()))
        assert job.holding is not None
        row = self.do(self._use(job.holding.lease))
        assert row is not None
        self.model.hold_on(job, used=True, expires_at=row["expires_at"])

    async def _use(self, lease: HeldLease) -> dict[str, Any] | None:
        rows = await self.app.database.fetch(
            "use_lease",
            {
                "project_id": self.project,
                "seq": lease.seq,
                "epoch": lease.epoch,
                "token_hash": lease.token_hash,
                "phase": None,
                "progressed": True,
            },
        )
        return rows[0] if rows else None

    @precondition(lambda self: self.model.running())
    @rule(data=st.data())
    def complete(self, data: st.DataObject) -> None:
        jobs = data.draw(st.lists(st.sampled_from(self.model.running()), min_size=1, unique_by=id))
        leases = [job.holding.lease for job in jobs if job.holding]
        done = self.do(
            self.app.queue.complete(self.project, "worker:w", [Completion(lease) for lease in leases])
        )
        assert done == {job.seq for job in jobs}
        for job in jobs:
            self._left(job, job.go(COMPLETED), retired=leases)

    @precondition(lambda self: self.model.running())
    @rule(data=st.data(), how=st.sampled_from(ENDS))
    def end(self, data: st.DataObject, how: str) -> None:
        job = data.draw(st.sampled_from(self.model.running()))
        assert job.holding is not None
        lease, cancelled = job.holding.lease, job.holding.cancel_requested
        now = self.facts.now()
        rows = self.do(self.app.queue.end(self.project, "worker:w", [ended(lease, how)]))
        assert set(rows) == {job.seq}
        self._left(job, self._went(job, how, now, cancelled), retired=[lease])
        assert rows[job.seq]["state"] == job.state

    @precondition(lambda self: self.model.running())
    @rule(data=st.data(), how=st.sampled_from(ENDS))
    def cancel_and_end(self, data: st.DataObject, how: str) -> None:
        """A holder hears that it should stop, and stops in one way or another."""
        job = data.draw(st.sampled_from(self.model.running()))
        moved = self.do(
            self.app.operations.move(self.project, self._id(job), "cancel", actor="t", reason="r")
        )
        assert moved.cancel_requested
        self.model.hold_on(job, cancel_requested=True)
        assert job.holding is not None
        lease, now = job.holding.lease, self.facts.now()
        rows = self.do(self.app.queue.end(self.project, "worker:w", [ended(lease, how)]))
        assert set(rows) == {job.seq}
        self._left(job, self._went(job, how, now, cancelled=True), retired=[lease])

    @rule(worker=st.sampled_from(["c1", "c2"]), how=st.sampled_from(["renew", "use", "complete", "fail"]))
    def ask_twice_and_use_the_first_token(self, worker: str, how: str) -> None:
        """The answer to a claim seemed lost, the claim was sent again, and then the first answer came after all."""
        self.claim_contract(worker)
        self.claim_contract(worker)
        if self.model.old:
            self._try_old(self.model.old[-1], how)

    def _went(self, job: Job, how: str, now: datetime, cancelled: bool) -> tuple[int, str, str]:
        if cancelled:
            return job.go(CANCELLED, StateReason.OPERATOR)
        match how:
            case "fail":
                return self.model.fail(job, now)
            case "lost":
                return self.model.lose(job, now)
            case "gate":
                return job.go(STUCK, StateReason.GATE_FAILED)
        told = job.go(PENDING)
        wait = {"infrastructure": 10.0, "quota": 30.0, "release": 0.0}[how]
        job.wait(now, wait, wait)
        return told

    @precondition(lambda self: self.model.old)
    @rule(data=st.data(), how=st.sampled_from(["renew", "use", "complete", *ENDS]))
    def use_old_token(self, data: st.DataObject, how: str) -> None:
        lease = data.draw(st.sampled_from(self.model.old[-3:]) | st.sampled_from(self.model.old))
        self._try_old(lease, how)

    def _try_old(self, lease: HeldLease, how: str) -> None:
        match how:
            case "renew":
                assert self.do(self.app.queue.renew(self.project, [lease])) == {}
            case "use":
                assert self.do(self._use(lease)) is None
            case "complete":
                assert (
                    self.do(self.app.queue.complete(self.project, "worker:z", [Completion(lease)])) == set()
                )
            case _:
                assert self.do(self.app.queue.end(self.project, "worker:z", [ended(lease, how)])) == {}
                assert self.do(self._end_unlocked(lease)) == []

    async def _end_unlocked(self, lease: HeldLease) -> list[Any]:
        """Try the acting statement alone: it must not rely on the one that locks before it."""
        policy = store.AttemptPolicy(OnLost.REQUEUE, 3, 3, 0, 0)
        ending = store.Ending(CANCELLED, "cancelled", AttemptCause.OPERATOR, policy.agent_errors, 0)
        async with self.app.database.transaction() as connection:
            return await store.end_attempts(
                connection, self.project, "t", [store.EndedAttempt(lease, ending, "job_cancelled")]
            )
