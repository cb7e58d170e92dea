"""Many claim, end, renew and reap at once: each job is one worker's, whoever comes first."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any
from uuid import uuid4

import pytest

from moving_clock import MovingClock
from raw_sql import rows
from services.handler_runs import until
from watchkeeper.app.whole import App
from watchkeeper.domain.claims import ClaimedJob
from watchkeeper.domain.errors import Conflict
from watchkeeper.domain.jobs import AttemptCause, OnLost
from watchkeeper.domain.kinds import KindDeclaration
from watchkeeper.domain.principals import Principal, Role
from watchkeeper.services.attendance import Registration
from watchkeeper.services.claims import ClaimAsked
from watchkeeper.services.enqueueing import JobRequest
from watchkeeper.services.holding import Caller, Claim, hold
from watchkeeper.services.maintenance import Maintenance
from watchkeeper.services.queue import AttemptEnd
from watchkeeper.storage import jobs as store
from watchkeeper.storage.database import fetch
from watchkeeper.storage.jobs import Completion, HeldLease

WAITING = """
SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


def lease_of(job: ClaimedJob) -> HeldLease:
    return HeldLease(job.seq, job.epoch, job.token.secret_hash)


async def running(app: App, count: int = 1, **kind: Any) -> list[ClaimedJob]:
    """Enqueue and claim jobs of one declared kind."""
    await app.kinds.declare("p", KindDeclaration("k", on_lost=OnLost.REQUEUE, **kind), actor="t")
    await app.queue.enqueue("p", [JobRequest("k") for _ in range(count)], actor="t")
    return await app.queue.claim("p", "w", None, limit=count, profile="runtime")


async def expire(app: App, clock: MovingClock) -> None:
    """Let a lease of 60 s end under a watching reaper's eyes, which does not act yet."""
    for _ in range(7):
        clock.advance(10)
        await app.database.fetch("tick_reaper", {"gap_seconds": 15.0, "least_gap_seconds": 3.0})


async def blocked(app: App, count: int = 1) -> None:
    """Wait until so many statements wait for a lock."""

    async def waits() -> bool:
        return bool((await rows(app.database, WAITING))[0]["n"] >= count)

    await until(waits, f"{count} to wait for a lock")


async def test_no_job_is_claimed_twice_and_all_are_done(app: App) -> None:
    """Eight workers that claim and complete as fast as they can share 400 jobs without one in common."""
    await app.queue.enqueue("p", [JobRequest(f"k{n % 3}") for n in range(400)], actor="t")
    taken: list[tuple[int, int]] = []

    async def work(name: str, limit: int) -> None:
        while jobs := await app.queue.claim("p", name, None, limit=limit, profile="runtime"):
            taken.extend((job.seq, job.epoch) for job in jobs)
            done = await app.queue.complete("p", name, [Completion(lease_of(job)) for job in jobs])
            assert len(done) == len(jobs)

    async with asyncio.TaskGroup() as group:
        for n in range(8):
            group.create_task(work(f"w{n}", 1 + n % 5))
    assert len(taken) == len(set(taken)) == 400
    [told] = await rows(
        app.database, "SELECT count(*) AS n FROM watchkeeper.job_outcomes WHERE state = 'completed'"
    )
    assert told["n"] == 400


async def test_a_limit_holds_under_a_rush(app: App) -> None:
    """However many claim at once, no more jobs of a kind run than its limit, and the limit is used."""
    await app.kinds.declare("p", KindDeclaration("k", concurrency=3), actor="t")
    await app.queue.enqueue("p", [JobRequest("k") for _ in range(60)], actor="t")
    most = 0

    async def work(name: str) -> None:
        nonlocal most
        for _ in range(6):
            jobs = await app.queue.claim("p", name, None, limit=2, profile="runtime")
            [now] = await rows(app.database, "SELECT count(*) AS n FROM watchkeeper.leases")
            most = max(most, now["n"])
            assert now["n"] <= 3
            await app.queue.complete("p", name, [Completion(lease_of(job)) for job in jobs])

    async with asyncio.TaskGroup() as group:
        for n in range(8):
            group.create_task(work(f"w{n}"))
    assert most == 3


async def test_a_locked_job_is_passed_over(app: App) -> None:
    """A claim does not wait for a job that another claim is just taking: it takes the next."""
    await app.queue.enqueue("p", [JobRequest("k"), JobRequest("k")], actor="t")
    async with app.database.transaction() as connection:
        [first] = await app.queue.claim("p", "w1", None, profile="runtime", connection=connection)
        [second] = await app.queue.claim("p", "w2", None, profile="runtime")
    assert second.seq == first.seq + 1


async def test_two_reapers_reap_once(app: App, clock: MovingClock) -> None:
    """Two reapers that see the same expired lease end it once, with one audit row."""
    jobs = await running(app, 20)
    await app.maintenance.reap()
    await expire(app, clock)
    other = Maintenance(app.database, app.queue)
    reaped = await asyncio.gather(*(m.reap() for m in (app.maintenance, other, app.maintenance, other)))
    assert sum(reaped) == len(jobs)
    told = await rows(
        app.database, "SELECT job_seq FROM watchkeeper.audit_events WHERE event = 'lease_reaped'"
    )
    assert sorted(row["job_seq"] for row in told) == [job.seq for job in jobs]


@pytest.mark.parametrize("late", ["renew", "complete", "end", "operator"])
async def test_what_waits_for_a_reaper_comes_too_late(app: App, clock: MovingClock, late: str) -> None:
    """A renewal or an end that waits while the lease is reaped finds it gone, and changes nothing."""
    [job] = await running(app)
    await app.maintenance.reap()
    await expire(app, clock)
    acts: dict[str, Any] = {
        "renew": lambda: app.queue.renew("p", [lease_of(job)]),
        "complete": lambda: app.queue.complete("p", "w", [Completion(lease_of(job))]),
        "end": lambda: app.queue.end("p", "w", [AttemptEnd(lease_of(job), AttemptCause.AGENT_ERROR, "x")]),
        "operator": lambda: app.operations.move("p", job.id, "fail", actor="t", reason="r"),
    }
    async with app.database.transaction() as connection:
        state = await fetch(connection, "tick_reaper", {"gap_seconds": 15.0, "least_gap_seconds": 3.0})
        found = {"quiet_since": state[0]["quiet_since"], "limit": 10}
        assert len(await fetch(connection, "lock_expired_leases", found)) == 1
        task = asyncio.ensure_future(_answer(acts[late]()))
        await blocked(app)
        await app.maintenance._reap_project(
            connection, "p", await fetch(connection, "lock_expired_leases", found)
        )
    answer = await task
    assert isinstance(answer, Conflict) if late == "operator" else not answer
    row = await app.insights.job("p", job.id)
    assert (row["state"], row["epoch"]) == ("pending", 1)


async def _answer(act: Awaitable[Any]) -> Any:
    try:
        return await act
    except Conflict as error:
        return error


async def test_a_renewal_under_way_saves_the_lease_from_the_reaper(app: App, clock: MovingClock) -> None:
    """An expired lease that its holder is just renewing is passed over, and is live afterwards."""
    [job] = await running(app)
    await app.maintenance.reap()
    await expire(app, clock)
    async with app.database.transaction() as connection:
        assert len(await store.renew(connection, "p", [lease_of(job)])) == 1
        assert await app.maintenance.reap() == 0
    assert await app.maintenance.reap() == 0
    assert await app.queue.complete("p", "w", [Completion(lease_of(job))]) == {job.seq}


async def test_one_completion_of_two_counts(app: App) -> None:
    """The same completion sent twice at once completes the job once."""
    [job] = await running(app)
    async with app.database.transaction() as connection:
        first = await app.queue.complete("p", "w", [Completion(lease_of(job))], connection=connection)
        second = asyncio.ensure_future(app.queue.complete("p", "w", [Completion(lease_of(job))]))
        await blocked(app)
    assert (first, await second) == ({job.seq}, set())


async def test_an_outage_of_twice_the_lease_rescues_nobody_who_is_alive(app: App, clock: MovingClock) -> None:
    """After a time in which nobody could reach the database, holders renew before anything is reaped."""
    jobs = await running(app, 3)
    await app.maintenance.reap()
    clock.advance(120)
    assert await app.maintenance.reap() == 0
    assert len(await app.queue.renew("p", [lease_of(job) for job in jobs[:2]])) == 2
    for _ in range(5):
        clock.advance(10)
        assert await app.maintenance.reap() == 0
        await app.queue.renew("p", [lease_of(job) for job in jobs[:2]])
    clock.advance(11)
    assert await app.maintenance.reap() == 1
    assert len(await app.queue.complete("p", "w", [Completion(lease_of(job)) for job in jobs])) == 2


async def test_a_gap_is_measured_by_the_shortest_lease(app: App, clock: MovingClock) -> None:
    """An outage of some seconds, which a long lease outlives, begins a quiet time where leases are short."""
    [job] = await running(app, lease_seconds=8)
    await app.maintenance.reap()
    clock.advance(9)
    assert await app.maintenance.reap() == 0
    assert await app.queue.renew("p", [lease_of(job)])
    for _ in range(3):
        clock.advance(3)
        await app.maintenance.reap()
    assert (await app.insights.job("p", job.id))["state"] == "pending"


async def test_a_claim_whose_answer_was_lost_is_handed_out_again(app: App) -> None:
    """A contract worker that claims again before using its lease gets the same attempt under a new token."""
    await app.queue.enqueue("p", [JobRequest("k"), JobRequest("k")], actor="t")
    first, second = [(await app.claims.claim("p", ClaimAsked("c")))["jobs"] for _ in range(2)]
    assert [job.redelivered for job in (*first, *second)] == [False, True]
    assert (first[0].seq, first[0].epoch) == (second[0].seq, second[0].epoch)
    assert await app.queue.renew("p", [lease_of(first[0])]) == {}
    assert list(await app.queue.renew("p", [lease_of(second[0])])) == [first[0].seq]


async def test_a_claim_and_a_progress_of_one_worker_do_not_wait_for_each_other(app: App) -> None:
    """Both touch the worker and its lease: neither holds the one while it wants the other."""
    await app.queue.enqueue("p", [JobRequest("k")], actor="t")
    (job,) = (await app.claims.claim("p", ClaimAsked("c")))["jobs"]
    me = {"project_id": "p", "worker_id": "c"}
    caller = Caller(Principal(uuid4(), "w", Role.WORKER, "p"), "p", str(job.token))
    async with app.database.transaction() as connection:
        await fetch(connection, "see_worker", {**me, "profile": "session", "kinds": None})
        progress = asyncio.create_task(app.contract.progress(caller, job.id, "on", "build", None))
        await blocked(app)
        assert await fetch(connection, "session_leases", me)
    assert (await progress)["status"] == "running"


async def test_a_runtime_worker_gets_again_what_it_does_not_know_of(app: App) -> None:
    """Only its own unused leases that it does not name are handed out again, and none to who does not say."""
    for name in ("r", "other"):
        await app.attendance.register("p", Registration(name, 4))
    await app.queue.enqueue("p", [JobRequest("k") for _ in range(5)], actor="t")
    known, lost, used = (await app.claims.claim("p", ClaimAsked("r", limit=3)))["jobs"]
    (foreign,) = (await app.claims.claim("p", ClaimAsked("other")))["jobs"]
    async with app.database.transaction() as connection:
        await hold(connection, "p", Claim(used.id, used.seq, "k", used.epoch, used.token_hash))
    (silent,) = (await app.claims.claim("p", ClaimAsked("r")))["jobs"]
    assert not silent.redelivered
    held = [known.id, silent.id, "no id at all"]
    (again,) = (await app.claims.claim("p", ClaimAsked("r", limit=4, held=held)))["jobs"]
    assert (again.id, again.epoch, again.redelivered) == (lost.id, lost.epoch, True)
    assert await app.queue.renew("p", [lease_of(lost)]) == {}
    assert len(await app.queue.renew("p", [lease_of(job) for job in (known, again, used, foreign)])) == 4


async def test_one_contract_worker_claiming_many_times_at_once_holds_one_job(app: App) -> None:
    """However often a contract worker asks at the same time, one job is its, under the token given last."""
    await app.queue.enqueue("p", [JobRequest("k") for _ in range(5)], actor="t")
    answers = await asyncio.gather(*(app.claims.claim("p", ClaimAsked("c")) for _ in range(6)))
    jobs = [answer["jobs"][0] for answer in answers]
    assert len({(job.seq, job.epoch) for job in jobs}) == 1
    assert sum(not job.redelivered for job in jobs) == 1
    live = [job for job in jobs if await app.queue.renew("p", [lease_of(job)])]
    assert len(live) == 1
