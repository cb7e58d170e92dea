"""What all steps of the random player share: one project, its model, and what the audit trail must tell."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import datetime
from typing import Any, TypeVar
from uuid import uuid4

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize

from moving_clock import MovingClock
from properties.queue_facts import Facts
from properties.queue_model import (
    CANCELLED,
    FAILED,
    PAUSED,
    PENDING,
    POLICIES,
    Job,
    Model,
)
from watchkeeper.app.whole import App
from watchkeeper.domain.claims import ClaimedJob
from watchkeeper.domain.jobs import AttemptCause, OnLost
from watchkeeper.domain.kinds import KindDeclaration
from watchkeeper.services.enqueueing import JobRequest
from watchkeeper.services.queue import AttemptEnd
from watchkeeper.storage.jobs import HeldLease

T = TypeVar("T")
KINDS = st.sampled_from(list(POLICIES))
SELDOM = st.sampled_from([False, False, False, True])
STEP_SECONDS = 7
GAP_SECONDS, LEAST_GAP_SECONDS = 15.0, 3.0
TARGETS = {"cancel": CANCELLED, "pause": PAUSED, "resume": PENDING, "fail": FAILED}
ENDS = ("fail", "infrastructure", "quota", "release", "lost", "gate")


class QueueBase(RuleBasedStateMachine):
    """One example is one project of a shared database; `app`, `url` and `runner` are set by the test."""

    app: App
    url: str
    runner: asyncio.Runner

    def __init__(self) -> None:
        super().__init__()
        self.project = f"p{uuid4().hex[:12]}"
        self.model = Model()
        self.facts = Facts(self.url, self.project)
        self.clock = MovingClock(self.url, self.facts.connection)
        self.audit_seen = 0
        self.told: list[tuple[int, str, str]] = []
        # Jobs whose rows were written again since they changed their state: promoted, or redelivered.
        self.rewritten: set[int] = set()

    def do(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(coroutine)

    @initialize()
    def open(self) -> None:
        self.do(self.app.kinds.ensure_project(self.project))
        for name, policy in POLICIES.items():
            if policy.on_lost is not OnLost.HOLD:
                declared = KindDeclaration(
                    name,
                    lease_seconds=policy.lease_seconds,
                    on_lost=policy.on_lost,
                    max_attempts=policy.max_attempts,
                    max_lost_leases=policy.max_lost_leases,
                    concurrency=policy.concurrency,
                )
                self.do(self.app.kinds.declare(self.project, declared, actor="t"))
        self._begin_with_work()

    def _begin_with_work(self) -> None:
        """Fill the queue: one that is empty most of the time shows little."""
        now = self.facts.now()
        asked = [(kind, priority) for kind in POLICIES for priority in (0, 1)] + [
            ("limited", -1),
            ("limited", 1),
        ]
        requests = [
            JobRequest(kind, priority=priority, unique_key=f"{priority}") for kind, priority in asked[:8]
        ]
        requests += [JobRequest(kind, priority=priority) for kind, priority in asked[8:]]
        made = self.do(self.app.queue.enqueue(self.project, requests, actor="t"))
        for job, request, (kind, priority) in zip(made, requests, asked, strict=True):
            self._came(Job(job.seq, kind, priority, unique_key=request.unique_key), now)

    def teardown(self) -> None:
        if not self.model.claims_on:
            self.do(self.app.kinds.set_switch("claims", is_on=True, actor="t", reason="end"))
        self.do(self.app.kinds.delete_project(self.project, actor="t", reason="end", force=True))
        self.facts.close()

    def _came(self, job: Job, now: datetime) -> None:
        if job.run_at is not None and job.run_at > now:
            job.ready, job.due = False, (job.run_at, job.run_at)
        assert job.seq not in self.model.jobs
        self.model.jobs[job.seq] = job
        self.told.append((job.seq, "", str(PENDING)))

    def _left(self, job: Job, told: tuple[int, str, str], retired: list[HeldLease]) -> None:
        self.told.append(told)
        self.model.old += [lease for lease in retired if lease.seq == job.seq]

    def _id(self, job: Job) -> str:
        rows = self.facts.ask(
            "SELECT id::text AS id FROM watchkeeper.job_specs WHERE project_id = %(project_id)s AND seq = %(seq)s",
            seq=job.seq,
        )
        return str(rows[0]["id"])


def lease_of(job: ClaimedJob) -> HeldLease:
    return HeldLease(job.seq, job.epoch, job.token.secret_hash)


def ended(lease: HeldLease, how: str) -> AttemptEnd:
    match how:
        case "fail":
            return AttemptEnd(lease, AttemptCause.AGENT_ERROR, "no")
        case "infrastructure":
            return AttemptEnd(lease, AttemptCause.INFRASTRUCTURE, "no disk")
        case "quota":
            return AttemptEnd(lease, AttemptCause.QUOTA, "no quota", delay=30.0)
        case "lost":
            return AttemptEnd(lease, AttemptCause.LEASE_LOST, "gone", lost=True)
        case "gate":
            return AttemptEnd(lease, AttemptCause.GATE, "empty")
    return AttemptEnd(lease, AttemptCause.OPERATOR, "handed back")
