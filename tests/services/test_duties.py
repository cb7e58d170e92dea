"""Periodic duties go on: past their own faults, and past a schedule that asks for what may not be."""

from __future__ import annotations

import asyncio

from moving_clock import MovingClock
from raw_sql import rows
from watchkeeper.app.whole import App
from watchkeeper.domain.kinds import KindDeclaration
from watchkeeper.services.duties import Duties, Duty, Ran
from watchkeeper.services.schedules import Schedule

TWO_HOURS = 7200.0


async def test_a_duty_goes_on_after_a_fault_of_its_own() -> None:
    """What nobody foresaw in one run is not the end of the reaper: the next run comes."""
    runs = 0
    again = asyncio.Event()

    async def run_once() -> Ran:
        nonlocal runs
        runs += 1
        if runs == 1:
            raise LookupError("no such time zone on this machine")
        again.set()
        return Ran({})

    duties = Duties(Duty("broken", run_once, 0.01))
    duties.start()
    async with asyncio.timeout(10):
        await again.wait()
    await duties.stop()
    assert runs >= 2


async def test_a_schedule_whose_time_zone_is_gone_stands_still(app: App, clock: MovingClock) -> None:
    """It stops once, visibly and with the reason, holds up no other, and goes on when it is put anew."""
    for name in ("lost", "good"):
        await app.schedules.put("p", Schedule(name, "0 * * * *", "free"), actor="t")
    await rows(
        app.database, "UPDATE watchkeeper.schedules SET time_zone = 'Mars/Olympus' WHERE name = 'lost'"
    )
    clock.advance(3600)
    assert await app.maintenance.fire_schedules() == 1
    (good, lost), _ = await app.schedules.list("p")
    assert good["next_at"] is not None
    assert good["problem"] is None
    assert lost["next_at"] is None
    assert "Mars/Olympus" in lost["problem"]
    clock.advance(3600)
    assert await app.maintenance.fire_schedules() == 1
    await app.maintenance.keep_time()
    await app.schedules.put("p", Schedule("lost", "0 * * * *", "free"), actor="t")
    clock.advance(3600)
    assert await app.maintenance.fire_schedules() == 2


async def test_a_refused_schedule_holds_up_no_other(app: App, clock: MovingClock) -> None:
    """A schedule whose kind has come to refuse its payload waits for its next time; the others fire."""
    await app.schedules.put(
        "p", Schedule("bad", "0 * * * *", "strict", {"password": "correct-horse-battery"}), actor="t"
    )
    await app.schedules.put("p", Schedule("good", "0 * * * *", "free"), actor="t")
    await app.kinds.declare("p", KindDeclaration.parse({"name": "strict", "secrets": "refuse"}), actor="test")
    for fired in (1, 2):
        clock.advance(TWO_HOURS)
        assert await app.maintenance.fire_schedules() == 1
        jobs = await rows(app.database, "SELECT kind, enqueued_by FROM watchkeeper.job_specs")
        assert [(job["kind"], job["enqueued_by"]) for job in jobs] == [("free", "schedule:good")] * fired
    assert await app.maintenance.fire_schedules() == 0
