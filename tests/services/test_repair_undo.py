"""What was repaired and is undone stands as it stood before; where it cannot, the reason is said."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest

from moving_clock import MovingClock
from raw_sql import rows
from services.repaired import Shop
from watchkeeper.app.whole import App
from watchkeeper.domain.errors import Conflict, StaleLease
from watchkeeper.domain.principals import Role
from watchkeeper.domain.repair_plans import ON_JOBS, ON_KINDS, ON_WORKERS
from watchkeeper.domain.repairs import Target
from watchkeeper.domain.rules.names import RepairAction
from watchkeeper.services.claims import ClaimAsked
from watchkeeper.services.enqueueing import JobRequest
from watchkeeper.services.helper_events import HelperEvent
from watchkeeper.services.repairs.desk import Wish
from watchkeeper.services.repairs.targets import look
from watchkeeper.storage.jobs import HeldLease

NEW_WITH_A_LEASE = {"epoch", "expires_at"}
"""What a new lease has of its own, though it is the same worker's."""


@pytest.fixture
def shop(app: App) -> Shop:
    return Shop(app)


async def running(shop: Shop) -> Wish:
    return Wish(RepairAction.RELEASE, "r", job=(await shop.running()).id)


async def worn(shop: Shop) -> Wish:
    """A job that has lost a lease and used up an attempt, running again."""
    job = await shop.running(max_lost_leases=9)
    await rows(shop.app.database, "UPDATE watchkeeper.leases SET agent_errors = 1, lost_leases = 1")
    return Wish(RepairAction.RELEASE, "r", job=job.id)


async def held_when_lost(shop: Shop) -> Wish:
    return Wish(RepairAction.RELEASE, "r", job=(await shop.running(on_lost="hold")).id)


async def waiting(shop: Shop) -> Wish:
    [made] = await shop.app.queue.enqueue("p", [JobRequest("k")], actor="t")
    await rows(shop.app.database, "UPDATE watchkeeper.ready_jobs SET agent_errors = 2, lost_leases = 1")
    return Wish(RepairAction.RELEASE, "r", job=str(made.id))


async def scheduled(shop: Shop) -> Wish:
    at = await shop.one("SELECT watchkeeper.now() + interval '1 hour'")
    [made] = await shop.app.queue.enqueue("p", [JobRequest("k", run_at=at)], actor="t")
    return Wish(RepairAction.RELEASE, "r", job=str(made.id))


async def paused(shop: Shop) -> Wish:
    wish = await worn(shop)
    await shop.app.operations.move("p", str(wish.job), "pause", actor="t", reason="for a reason")
    return wish


async def stopped(shop: Shop) -> Wish:
    await shop.running()
    await rows(
        shop.app.database,
        "UPDATE watchkeeper.workers SET stopped_at = watchkeeper.now(), stopped_by = 'watchdog', stop_reason = 'loop'",
    )
    return Wish(RepairAction.STOP_WORKER, "r", worker="w")


async def working(shop: Shop) -> Wish:
    await shop.running()
    return Wish(RepairAction.STOP_WORKER, "r", worker="w")


async def open_kind(shop: Shop) -> Wish:
    await shop.running()
    return Wish(RepairAction.PAUSE_KIND, "r", kind="k")


STARTS: list[Callable[[Shop], Awaitable[Wish]]] = [
    running,
    worn,
    held_when_lost,
    waiting,
    scheduled,
    paused,
    stopped,
    working,
    open_kind,
]


@pytest.mark.parametrize("start", STARTS)
async def test_every_undo_that_is_claimed_restores_the_state_before(
    shop: Shop, start: Callable[[Shop], Awaitable[Wish]]
) -> None:
    """Whatever can be done to a target as it stands, and claims an undo, leaves it as it was once it is undone."""
    lin, tried = await shop.person("lin", Role.OWNER), 0
    wish = await start(shop)
    actions = ON_JOBS if wish.job else ON_WORKERS if wish.worker else ON_KINDS
    for action in sorted(actions - {RepairAction.ASK_RENEWAL, RepairAction.RETOUCH}):
        asked = Wish(action, "r", wish.job, wish.worker, wish.kind)
        try:
            plan = (await shop.desk.ask("p", asked, lin, dry_run=True))["plan"]
        except Conflict:
            continue
        if plan["undo"] is None:
            continue
        before = await image(shop, action, plan["target"])
        done = await shop.desk.carry_out("p", asked, lin)
        assert done["state"] == "succeeded", done
        assert await image(shop, action, plan["target"]) != before
        undone = await shop.desk.roll_back("p", done["id"], lin, "a mistake")
        after = await image(shop, action, plan["target"])
        assert drop(after) == drop(before), (action, undone["note"])
        assert (undone["state"], undone["result"]) == ("rolled_back", "success")
        tried += 1
    assert tried >= 1


async def image(shop: Shop, action: RepairAction, target: dict[str, str]) -> dict[str, Any]:
    async with shop.app.database.transaction() as connection:
        return dict((await look(connection, "p", Target(**target), action)).image)


def drop(image: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in image.items() if key not in NEW_WITH_A_LEASE}


async def released(shop: Shop) -> tuple[Any, UUID]:
    """Give a job that was released from its worker, and the repair."""
    job, lin = await shop.running(), await shop.person("lin")
    done = await shop.desk.carry_out("p", Wish(RepairAction.RELEASE, "r", job=job.id), lin)
    return job, UUID(str(done["id"]))


async def test_an_undo_gives_a_new_lease_and_no_old_token_lives_again(shop: Shop) -> None:
    """The worker's old token stays dead; its next claim hands the job out under a new one."""
    job, repair = await released(shop)
    await shop.desk.roll_back("p", repair, await shop.person("lin"), "a mistake")
    with pytest.raises(StaleLease):
        await shop.app.identity.create_job_token(await shop.person("lin"), "p", lease(job))
    [again] = (await shop.app.claims.claim("p", ClaimAsked("w", held=[])))["jobs"]
    assert (again.id, again.epoch) == (job.id, job.epoch + 1)


async def test_a_worker_that_was_told_gets_nothing_back(shop: Shop) -> None:
    """Once the former worker was heard of, the job is paused with the reason instead."""
    job, repair = await released(shop)
    await shop.app.attendance.look("p", "w")
    undone = await shop.desk.roll_back("p", repair, await shop.person("lin"), "a mistake")
    assert "was told already" in undone["note"]
    found = await shop.app.operations.find("p", job.id)
    assert (found["state"], found["state_reason"]) == ("paused", "operator")
    assert "was told already" in found["hold_detail"]["reason"]


async def test_a_refused_command_tells_a_worker_too(shop: Shop) -> None:
    """Whose word on the job was answered `stale_lease` has stopped; between its heartbeats nothing else tells of it.

    A contract worker that is silent for two of its heartbeats, and was told nothing, is there and gets its job back.
    """
    job, repair = await released(shop)
    await rows(
        shop.app.database,
        "UPDATE watchkeeper.workers SET profile = 'session', last_seen_at = last_seen_at - interval '20 minutes'",
    )
    person = await shop.person("lin")
    refused = {"ok": False, "error": {"code": "stale_lease"}}
    event = HelperEvent("progress", 4, refused, job=job.id, epoch=job.epoch, token_hash=job.token_hash)
    async with shop.app.database.rehearsed():
        undone = await shop.desk.roll_back("p", repair, person, "a mistake")
        assert "has a new lease" in undone["note"]
    await shop.app.helper_events.record("p", event)
    undone = await shop.desk.roll_back("p", repair, person, "a mistake")
    assert "was told already" in undone["note"]


async def test_with_claims_off_an_undo_hands_out_no_lease(shop: Shop) -> None:
    """The switch of all claims holds for undoing too."""
    job, repair = await released(shop)
    await shop.app.kinds.set_switch("claims", is_on=False, actor="t", reason="r")
    await shop.desk.roll_back("p", repair, await shop.person("lin"), "a mistake")
    assert (await shop.app.operations.find("p", job.id))["state"] == "paused"


async def test_what_has_moved_on_is_left_alone(shop: Shop) -> None:
    """A job that somebody else works on by now is not taken from them."""
    job, repair = await released(shop)
    await shop.app.queue.claim("p", "w2", None, profile="runtime")
    with pytest.raises(Conflict, match="moved on"):
        await shop.desk.roll_back("p", repair, await shop.person("lin"), "a mistake")
    found = await shop.app.operations.find("p", job.id)
    assert (found["state"], found["worker_id"]) == ("running", "w2")


async def test_where_there_is_no_undo_the_reason_is_said(shop: Shop, clock: MovingClock) -> None:
    """A failed job has ended; a reaping had no choice; what only asked has changed nothing."""
    lin = await shop.person("lin")
    done = await shop.desk.carry_out("p", Wish(RepairAction.FAIL, "r", job=(await shop.running()).id), lin)
    with pytest.raises(Conflict, match="a failed job has ended"):
        await shop.desk.roll_back("p", done["id"], lin, "a mistake")
    await shop.running()
    for _ in range(10):
        clock.advance(14)
        await shop.app.maintenance.reap()
    reaping = await shop.one("SELECT id FROM watchkeeper.repair_actions WHERE action = 'reap'")
    with pytest.raises(Conflict, match="reaping"):
        await shop.desk.roll_back("p", reaping, lin, "a mistake")


async def test_a_proposal_is_withdrawn_while_nobody_decided_it(shop: Shop) -> None:
    """Undoing what was put before people takes the question back."""
    await shop.running()
    await shop.incident("claim_loop_idle", worker_id="w")
    assert await shop.run() == {"planned": 1, "succeeded": 1}
    await shop.desk.roll_back("p", (await shop.last())["id"], await shop.person("lin"), "not now")
    assert await shop.one("SELECT adoption_status FROM watchkeeper.proposals") == "withdrawn"


def lease(job: Any) -> HeldLease:
    return HeldLease(job.seq, job.epoch, job.token_hash)
