"""Approvals: who may give one, what it binds to, and how it ends."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from uuid import UUID

import pytest

from moving_clock import MovingClock
from services.repaired import Shop
from watchkeeper.app.whole import App
from watchkeeper.domain.errors import Conflict, PermissionDenied, UsageError
from watchkeeper.domain.policies import FourEyes, PolicyMode
from watchkeeper.domain.principals import PrincipalKind, Role
from watchkeeper.domain.rules.names import RepairAction
from watchkeeper.services.repairs.desk import Wish


@pytest.fixture
def shop(app: App) -> Shop:
    return Shop(app)


async def asked(shop: Shop, asker: str = "wu", role: Role = Role.SUPERVISOR) -> UUID:
    """Give a release of a live lease that somebody asked for."""
    job = await shop.running()
    by = await shop.person(asker, role)
    wish = Wish(RepairAction.RELEASE, "it hangs", job=job.id)
    return UUID(str((await shop.desk.ask("p", wish, by))["id"]))


async def test_another_person_approves_and_it_is_done_at_once(shop: Shop) -> None:
    """The word is used up by the act, and a second approver hears who was faster."""
    repair = await asked(shop)
    lin, kim = await shop.person("lin"), await shop.person("kim")
    done = await shop.desk.approve("p", repair, lin, digest=None, reason="yes")
    assert (done["state"], done["result"]) == ("succeeded", "success")
    assert [word["used_at"] is not None for word in done["approvals"]] == [True]
    with pytest.raises(
        Conflict, match="somebody was faster; this repair is succeeded: approved by principal:p/lin"
    ):
        await shop.desk.approve("p", repair, kim, digest=None, reason="me too")


async def test_nobody_behind_the_asking_approves(shop: Shop) -> None:
    """Not the asker behind another token, not who made the asker's token, not on whose behalf, not a program."""
    owner = await shop.person("own", Role.OWNER)
    bot = await shop.person("bot", Role.WORKER, kind=PrincipalKind.AGENT, minted_by=owner)
    job = await shop.running()
    await shop.person("wu")
    with pytest.raises(UsageError, match="nobody here is called"):
        await shop.desk.ask(
            "p", Wish(RepairAction.RELEASE, "it hangs", job=job.id, on_behalf_of="nobody"), bot
        )
    wish = Wish(RepairAction.RELEASE, "it hangs", job=job.id, on_behalf_of="wu")
    repair = UUID(str((await shop.desk.ask("p", wish, bot))["id"]))
    refused = [
        await shop.person("bot", Role.SUPERVISOR, kind=PrincipalKind.AGENT),
        await shop.person("own", Role.OWNER),
        await shop.person("wu"),
        kid := await shop.person("kid", minted_by=bot),
        await shop.person("grandchild", minted_by=kid),
        await shop.person("cron", kind=PrincipalKind.SERVICE),
        await shop.person("eve", Role.VIEWER),
    ]
    for who in refused:
        with pytest.raises(PermissionDenied):
            await shop.desk.approve("p", repair, who, digest=None, reason="yes")
    assert (await shop.desk.show("p", repair))["state"] == "proposed"
    assert (await shop.desk.approve("p", repair, await shop.person("lin"), digest=None, reason="y"))["result"]


async def test_two_names_of_one_person_are_no_two_people(shop: Shop) -> None:
    """Who makes two names asks and approves with neither for the other; two people whom the first owner named may."""
    first = await shop.person("first", Role.OWNER, project=None)
    mia = await shop.person("mia", Role.OWNER, minted_by=first)
    mask, other = await shop.person("mask", minted_by=mia), await shop.person("other-mask", minted_by=mia)
    below = await shop.person("below", minted_by=other)
    job = await shop.running()
    wish = Wish(RepairAction.RELEASE, "it hangs", job=job.id)
    repair = UUID(str((await shop.desk.ask("p", wish, mask))["id"]))
    for who in (mask, other, below, mia, first):
        with pytest.raises(PermissionDenied, match="stands behind the asking"):
            await shop.desk.approve("p", repair, who, digest=None, reason="yes")
    noa = await shop.person("noa", minted_by=first)
    assert (await shop.desk.approve("p", repair, noa, digest=None, reason="yes"))["state"] == "succeeded"


async def test_an_approval_is_for_the_plan_that_was_seen(shop: Shop) -> None:
    """Another digest is refused; a job that has moved on since makes the plan expire instead of being acted on."""
    repair, lin = await asked(shop), await shop.person("lin")
    with pytest.raises(Conflict, match="not the one that you saw"):
        await shop.desk.approve("p", repair, lin, digest="0" * 64, reason="yes")
    seen = await shop.desk.show("p", repair)
    await shop.app.operations.move("p", str(seen["job_id"]), "pause", actor="t", reason="r")
    await shop.app.operations.move("p", str(seen["job_id"]), "resume", actor="t", reason="r")
    await shop.app.queue.claim("p", "w", None, profile="runtime")
    after = await shop.desk.approve("p", repair, lin, digest=seen["plan_digest"], reason="yes")
    assert (after["state"], after["result"]) == ("expired", None)
    assert "not as it was" in after["note"]
    assert (await shop.app.operations.find("p", str(seen["job_id"])))["epoch"] == 2


async def test_an_approval_that_waited_too_long_is_not_used(shop: Shop, clock: MovingClock) -> None:
    """It is checked when it would be used, by the database's clock: after an hour nothing is done on it."""
    repair = await asked(shop)
    await shop.app.kinds.set_switch("actions", is_on=False, actor="t", reason="r")
    waiting = await shop.desk.approve("p", repair, await shop.person("lin"), digest=None, reason="yes")
    assert (waiting["state"], waiting["note"]) == ("approved", "all actions are switched off")
    assert (waiting["expires_at"] - waiting["approvals"][0]["created_at"]).total_seconds() == 3600
    clock.advance(3601)
    await shop.app.kinds.set_switch("actions", is_on=True, actor="t", reason="r")
    assert await shop.run() == {"expired": 1}


async def test_an_approval_can_be_taken_back_until_it_is_used(shop: Shop) -> None:
    """Withdrawn in time nothing is done on it; somebody else may approve still, and the asker may drop it all."""
    repair, lin = await asked(shop), await shop.person("lin")
    await shop.app.kinds.set_switch("actions", is_on=False, actor="t", reason="r")
    await shop.desk.approve("p", repair, lin, digest=None, reason="yes")
    assert (await shop.desk.withdraw("p", repair, lin, "no"))["state"] == "proposed"
    await shop.app.kinds.set_switch("actions", is_on=True, actor="t", reason="r")
    assert await shop.run() == {}
    with pytest.raises(PermissionDenied):
        await shop.desk.withdraw("p", repair, await shop.person("kim"), "no")
    assert (await shop.desk.withdraw("p", repair, await shop.person("wu"), "no"))["state"] == "rejected"
    with pytest.raises(Conflict, match="faster"):
        await shop.desk.approve("p", repair, lin, digest=None, reason="yes")


async def test_of_two_approvers_at_once_one_wins(shop: Shop) -> None:
    """Both answers come, one acted, and the other says who was faster."""
    repair, people = await asked(shop), [await shop.person("lin"), await shop.person("kim")]
    came = await asyncio.gather(
        *(shop.desk.approve("p", repair, who, digest=None, reason="yes") for who in people),
        return_exceptions=True,
    )
    assert sorted(type(each).__name__ for each in came) == ["Conflict", "dict"]
    assert "somebody was faster" in str(next(each for each in came if isinstance(each, Conflict)))
    assert await shop.one("SELECT count(*) FROM watchkeeper.approvals") == 1


async def test_a_rejected_repair_is_over(shop: Shop) -> None:
    """A no is final, and the program does not plan the same again for that incident."""
    shop.mode("lease_expired", PolicyMode.SUPERVISOR)
    await shop.incident("lease_expired", (await shop.running()).id)
    await shop.run()
    repair, lin = (await shop.last())["id"], await shop.person("lin")
    assert (await shop.desk.reject("p", repair, lin, "leave it"))["state"] == "rejected"
    with pytest.raises(Conflict, match="rejected by principal:p/lin"):
        await shop.desk.approve("p", repair, lin, digest=None, reason="yes")
    assert await shop.run() == {}


async def test_what_the_program_planned_needs_one_word_or_two_as_the_policy_says(shop: Shop) -> None:
    """`persons` lets an only owner approve the program's plans; `always` asks for two people."""
    shop.mode("lease_expired", PolicyMode.OWNER)
    own, kim = await shop.person("own", Role.OWNER), await shop.person("kim", Role.OWNER)
    own_again = await shop.person("own-again", Role.OWNER, minted_by=own)
    await shop.incident("lease_expired", (await shop.running()).id)
    await shop.run()
    repair = (await shop.last())["id"]
    with pytest.raises(PermissionDenied, match="for a owner"):
        await shop.desk.approve("p", repair, await shop.person("lin"), digest=None, reason="yes")
    shop.policy = replace(shop.policy, four_eyes=FourEyes.ALWAYS)
    assert (await shop.desk.approve("p", repair, own, digest=None, reason="yes"))["state"] == "proposed"
    for same in (own, own_again):
        with pytest.raises(Conflict, match="another person"):
            await shop.desk.approve("p", repair, same, digest=None, reason="yes")
    assert (await shop.desk.approve("p", repair, kim, digest=None, reason="yes"))["state"] == "succeeded"


async def test_what_the_policy_only_observes_nobody_approves(shop: Shop) -> None:
    """An observed plan is a record; who wants it done asks for it."""
    shop.mode("lease_expired", PolicyMode.OBSERVE)
    await shop.incident("lease_expired", (await shop.running()).id)
    await shop.run()
    with pytest.raises(Conflict, match="only observes"):
        await shop.desk.approve(
            "p", (await shop.last())["id"], await shop.person("lin"), digest=None, reason="yes"
        )
