"""The queue driven at random: every step is done to the database and to the model, and the two are compared."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import uuid4

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from moving_clock import MovingClock
from properties.queue_facts import ATTEMPTS, AUDIT, JOBS, KEYS, STRAYS, Facts
from properties.queue_model import (
    CANCELLED,
    COMPLETED,
    FAILED,
    PAUSED,
    PENDING,
    POLICIES,
    PROFILES,
    RUNNING,
    STUCK,
    Holding,
    Job,
    Model,
)
from watchkeeper.app import App
from watchkeeper.domain.claims import ClaimedJob
from watchkeeper.domain.errors import Conflict, MultiplePrimaryJobs
from watchkeeper.domain.jobs import TERMINAL, AttemptCause, OnLost, StateReason, may_move
from watchkeeper.domain.kinds import KindDeclaration
from watchkeeper.services.claims import ClaimAsked
from watchkeeper.services.enqueueing import JobRequest
from watchkeeper.services.queue import AttemptEnd
from watchkeeper.storage import jobs as store
from watchkeeper.storage.jobs import Completion, HeldLease

T = TypeVar("T")
KINDS = st.sampled_from(list(POLICIES))
SELDOM = st.sampled_from([False, False, False, True])
STEP_SECONDS = 7
GAP_SECONDS, LEAST_GAP_SECONDS = 15.0, 3.0
TARGETS = {"cancel": CANCELLED, "pause": PAUSED, "resume": PENDING, "fail": FAILED}
ENDS = ("fail", "infrastructure", "quota", "release", "lost", "gate")


class QueueMachine(RuleBasedStateMachine):
    """One example is one project of a shared database; `app`, `url` and `runner` are set by the test."""

    app: App
    url: str
    runner: asyncio.Runner

    def __init__(self) -> None:
        super().__init__()
        self.project = f"p{uuid4().hex[:12]}"
        self.model = Model()
        self.clock = MovingClock(self.url)
        self.facts = Facts(self.url, self.project)
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
        self.do(self.app.kinds.delete_project(self.project, actor="t", reason="end"))
        self.facts.close()

    # Coming in

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

    def _came(self, job: Job, now: datetime) -> None:
        if job.run_at is not None and job.run_at > now:
            job.ready, job.due = False, (job.run_at, job.run_at)
        assert job.seq not in self.model.jobs
        self.model.jobs[job.seq] = job
        self.told.append((job.seq, "", str(PENDING)))

    # Claims

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
        if held and held[0].holding and held[0].holding.used:
            try:
                self.do(self.app.claims.claim(self.project, asked))
            except MultiplePrimaryJobs:
                return
            raise AssertionError("a second primary job was handed out")
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

    # Holders

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

    def _left(self, job: Job, told: tuple[int, str, str], retired: list[HeldLease]) -> None:
        self.told.append(told)
        self.model.old += [lease for lease in retired if lease.seq == job.seq]

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

    # People

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

    def _id(self, job: Job) -> str:
        rows = self.facts.ask(
            "SELECT id::text AS id FROM watchkeeper.job_specs WHERE project_id = %(project_id)s AND seq = %(seq)s",
            seq=job.seq,
        )
        return str(rows[0]["id"])

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

    # Time

    @rule(seconds=st.sampled_from([1, STEP_SECONDS, 100]))
    def pass_time(self, seconds: int) -> None:
        """Nobody watches meanwhile."""
        self.clock.advance(seconds)

    @rule(seconds=st.sampled_from([25, 100]))
    def outage(self, seconds: int) -> None:
        """Jobs run, nobody reaches the database for a while, and the reaper is the first to come back."""
        self.claim_runtime("r1", None, 3)
        self.clock.advance(seconds)
        self.keep_time()

    @rule(steps=st.integers(1, 12))
    def watch(self, steps: int) -> None:
        """Time passes under a reaper's eyes."""
        for _ in range(steps):
            self.clock.advance(STEP_SECONDS)
            self.keep_time()

    @rule()
    def keep_time(self) -> None:
        before = self.facts.ask(
            "SELECT last_tick_at, (SELECT min(lease_seconds) FROM watchkeeper.leases) AS shortest,"
            " watchkeeper.now() AS now FROM watchkeeper.reaper_state"
        )[0]
        self.do(self.app.maintenance.keep_time())
        after = self.facts.ask("SELECT last_tick_at, quiet_since FROM watchkeeper.reaper_state")[0]
        now = after["last_tick_at"]
        assert (after["quiet_since"] == now) == _is_gap(before, now)
        for job in self.model.running():
            holding = job.holding
            assert holding is not None
            due = holding.expires_at < now and now > after["quiet_since"] + timedelta(seconds=holding.seconds)
            if due or (holding.expires_at < self.facts.now() and self._is_gone(job)):
                if holding.cancel_requested:
                    told = job.go(CANCELLED, StateReason.OPERATOR)
                else:
                    told = self.model.lose(job, now)
                self._left(job, told, [holding.lease])
        for job in self.model.jobs.values():
            if job.state is PENDING and job.due is not None and (job.due[1] <= now or self._is_ready(job)):
                assert job.due[0] <= self.facts.now()
                job.ready, job.due = True, None
                self.rewritten.add(job.seq)

    def _is_gone(self, job: Job) -> bool:
        """A lease that ended between two looks at the clock may have been reaped or not."""
        return not self.facts.ask(
            "SELECT 1 FROM watchkeeper.leases WHERE project_id = %(project_id)s AND seq = %(seq)s",
            seq=job.seq,
        )

    def _is_ready(self, job: Job) -> bool:
        return bool(
            self.facts.ask(
                "SELECT 1 FROM watchkeeper.ready_jobs WHERE project_id = %(project_id)s AND seq = %(seq)s",
                seq=job.seq,
            )
        )

    # What always holds

    @invariant()
    def every_job_stands_where_the_model_says(self) -> None:
        rows = {row["seq"]: row for row in self.facts.ask(JOBS)}
        assert set(rows) == set(self.model.jobs)
        for seq, job in self.model.jobs.items():
            row = rows[seq]
            assert row["places"] == 1, f"job {seq} stands in {row['places']} tables"
            assert row["ready_rows"] == job.ready
            assert (row["state"], row["state_reason"]) == (job.state, job.reason), seq
            assert row["epoch"] == job.epoch
            if job.state not in TERMINAL:
                assert (row["agent_errors"], row["lost_leases"]) == (job.agent_errors, job.lost_leases)
            if job.holding is not None:
                held = (row["token_hash"], row["worker_id"], row["expires_at"])
                assert held == (job.holding.lease.token_hash, job.holding.worker, job.holding.expires_at)
            if job.due is not None:
                slack = timedelta(seconds=1)  # the database's clock went on after the model had read it
                assert job.due[0] <= row["run_at"] <= job.due[1] + slack
        self._told_in_the_same_transaction(rows)
        assert self.facts.ask(STRAYS) == []

    def _told_in_the_same_transaction(self, jobs: dict[int, dict[str, Any]]) -> None:
        rows = self.facts.ask(AUDIT, after=self.audit_seen)
        self.audit_seen = max([self.audit_seen, *(row["seq"] for row in rows)])
        told = []
        for row in rows:
            if row["old_state"] == row["new_state"]:
                continue
            seqs = [row["job_seq"]] if row["job_seq"] is not None else row["data"]["job_seqs"]
            told += [(seq, row["old_state"] or "", row["new_state"]) for seq in seqs]
            for seq in seqs:
                last = [change for change in self.told if change[0] == seq][-1:]
                if last == [(seq, row["old_state"] or "", row["new_state"])] and seq not in self.rewritten:
                    assert jobs[seq]["written_by"] == row["xid"], f"job {seq} changed in another transaction"
        assert sorted(told) == sorted(self.told)
        self.told, self.rewritten = [], set()

    @invariant()
    def keys_stand_for_unfinished_jobs_only(self) -> None:
        expected = {
            (job.kind, job.unique_key, job.seq)
            for job in self.model.jobs.values()
            if job.unique_key is not None and job.state not in TERMINAL
        }
        assert {(row["kind"], row["unique_key"], row["seq"]) for row in self.facts.ask(KEYS)} == expected

    @invariant()
    def attempts_rise_one_by_one_and_one_completes_at_most(self) -> None:
        for row in self.facts.ask(ATTEMPTS):
            job = self.model.jobs[row["seq"]]
            assert row["epochs"] == list(range(1, job.epoch + 1))
            assert row["completed"] == (job.state is COMPLETED)

    @invariant()
    def limits_hold(self) -> None:
        for kind, policy in POLICIES.items():
            if policy.concurrency is not None:
                assert len(self.model.running(kind)) <= policy.concurrency


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


def _is_gap(before: dict[str, Any], now: datetime) -> bool:
    if before["last_tick_at"] is None:
        return True
    gap = GAP_SECONDS
    if before["shortest"] is not None:
        gap = min(gap, max(LEAST_GAP_SECONDS, before["shortest"] / 2))
    return bool((now - before["last_tick_at"]).total_seconds() > gap)
