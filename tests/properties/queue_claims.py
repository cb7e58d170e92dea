"""Jobs come in and are claimed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import rule

from properties.queue_base import (
    KINDS,
    QueueBase,
    lease_of,
)
from properties.queue_model import (
    PROFILES,
    Holding,
    Job,
)
from watchkeeper.domain.claims import ClaimedJob
from watchkeeper.domain.errors import MultiplePrimaryJobs, WorkerStopped
from watchkeeper.services.claims import ClaimAsked
from watchkeeper.services.enqueueing import JobRequest


class Claiming(QueueBase):
    """Those who ask for work, and those who take it."""

    @rule(
        asked=st.lists(
            st.tuples(KINDS, st.integers(-1, 1), st.sampled_from([None, None, -5, 20])),
            min_size=1,
            max_size=4,
        )
    )
    def enqueue(self, asked: list[tuple[str, int, int | None]]) -> None:
        now = self.facts.now()
        times = [after and now + timedelta(seconds=after) for _, _, after in asked]
        requests = [
            JobRequest(kind, {"n": 1}, priority=priority, run_at=run_at)
            for (kind, priority, _), run_at in zip(asked, times, strict=True)
        ]
        made = self.do(self.app.queue.enqueue(self.project, requests, actor="t"))
        for job, (kind, priority, _), run_at in zip(made, asked, times, strict=True):
            assert not job.existing
            self._came(Job(job.seq, kind, priority, run_at), now)

    @rule(kind=KINDS, key=st.sampled_from("ab"), after=st.sampled_from([None, 20]))
    def enqueue_unique(self, kind: str, key: str, after: int | None) -> None:
        now = self.facts.now()
        run_at = after and now + timedelta(seconds=after)
        request = JobRequest(kind, unique_key=key, run_at=run_at)
        [made] = self.do(self.app.queue.enqueue(self.project, [request], actor="t"))
        holder = self.model.holder_of(key, kind)
        assert made.existing == (holder is not None)
        if holder is None:
            self._came(Job(made.seq, kind, run_at=run_at, unique_key=key), now)
        else:
            assert made.seq == holder.seq

    @rule(
        worker=st.sampled_from(["r1", "r2"]),
        kinds=st.none() | st.lists(KINDS, min_size=1, max_size=2, unique=True),
        limit=st.integers(1, 6),
    )
    def claim_runtime(self, worker: str, kinds: list[str] | None, limit: int) -> None:
        expected = self.model.claimable(kinds, limit)
        jobs = self.do(self.app.queue.claim(self.project, worker, kinds, limit=limit, profile="runtime"))
        self._claimed(jobs, expected, worker, "runtime")

    @rule(worker=st.sampled_from(["c1", "c2"]))
    def claim_contract(self, worker: str) -> None:
        held = [job for job in self.model.running() if job.holding and job.holding.worker == worker]
        asked = ClaimAsked(worker)
        if worker in self.model.stopped:
            with pytest.raises(WorkerStopped):
                self.do(self.app.claims.claim(self.project, asked))
            self.do(self.app.fleet.resume(self.project, worker, actor="t", reason="r"))
            self.model.stopped.discard(worker)
            return
        if held and held[0].holding and held[0].holding.used:
            with pytest.raises(MultiplePrimaryJobs):
                self.do(self.app.claims.claim(self.project, asked))
            self.model.stopped.add(worker)
            return
        jobs = self.do(self.app.claims.claim(self.project, asked))["jobs"]
        if not held:
            self._claimed(jobs, self.model.claimable(None, 1), worker, "session")
            return
        [again], [job] = jobs, held
        assert again.redelivered
        assert (again.seq, again.epoch) == (job.seq, job.epoch)
        self.model.retire(job)
        self.model.hold_on(job, lease=lease_of(again), expires_at=again.lease_expires_at)
        self.rewritten.add(job.seq)

    def _claimed(self, jobs: list[ClaimedJob], expected: list[Job], worker: str, profile: str) -> None:
        assert [job.seq for job in jobs] == [job.seq for job in expected]
        for claimed, job in zip(jobs, expected, strict=True):
            assert claimed.epoch == job.epoch + 1
            seconds = job.policy.lease_seconds or PROFILES[profile]
            assert claimed.lease_seconds == seconds
            holding = Holding(lease_of(claimed), worker, profile, seconds, claimed.lease_expires_at)
            self.told.append(self.model.claimed(job, holding))
