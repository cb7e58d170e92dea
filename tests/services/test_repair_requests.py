"""What is asked of a job's holder: only while it holds the job, and without keeping others from their repair."""

from __future__ import annotations

from typing import Any

import pytest

from moving_clock import MovingClock
from services.repaired import Shop
from watchkeeper.app.whole import App


@pytest.fixture
def shop(app: App) -> Shop:
    return Shop(app)


async def test_an_open_request_keeps_no_job_from_its_repair(shop: Shop, clock: MovingClock) -> None:
    """A job of which a mended contract is awaited is taken back meanwhile, when its lease has run out."""
    job = await shop.running()
    await shop.incident("complete_rejected", job.id, worker_id="w")
    assert await shop.run() == {"planned": 1, "executing": 1}
    await shop.incident("lease_expired", job.id, worker_id="w")
    clock.advance(200)
    assert await shop.run() == {"planned": 1, "succeeded": 1}


async def test_what_a_holder_was_asked_for_ends_with_its_lease(shop: Shop, clock: MovingClock) -> None:
    """While it holds the job it is asked; when the job is taken from it it is not, and a person is called at once."""
    job = await shop.running()
    incident = await shop.incident("complete_rejected", job.id, worker_id="w")
    assert await shop.run() == {"planned": 1, "executing": 1}

    async def asked() -> list[Any]:
        told = await shop.app.attendance.touch("p", "w", None)
        return [each["action"] for each in told["requested"]]

    assert await asked() == ["repair_contract"]
    assert await shop.run() == {}
    await shop.incident("lease_expired", job.id, worker_id="w")
    clock.advance(200)
    assert await shop.run() == {"planned": 1, "succeeded": 1}
    assert await asked() == []
    assert await shop.run() == {"needs_human": 1}
    repair = (await shop.records())[0]
    assert (repair["state"], "holds the job no more" in repair["note"]) == ("needs_human", True)
    assert await shop.incident_state(incident) == "needs_human"


async def test_who_holds_no_lease_is_not_asked_at_all(shop: Shop) -> None:
    """Where the job is in other hands by then, a person is called at once."""
    job = await shop.running()
    incident = await shop.incident("complete_rejected", job.id, worker_id="former")
    assert await shop.run() == {"planned": 1, "needs_human": 1}
    assert await shop.incident_state(incident) == "needs_human"
