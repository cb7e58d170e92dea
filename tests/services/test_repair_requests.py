"""What is asked of a job's holder: only while it holds the job, and without keeping others from their repair."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any

import pytest

from moving_clock import MovingClock
from services.handler_runs import ask, reaches, until, working
from services.repaired import Shop
from watchkeeper.app.whole import App
from watchkeeper.services.handlers import JobContext, job
from watchkeeper.services.requests import OF_HOLDERS
from watchkeeper.storage.queries import query


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


async def test_a_handler_sees_what_is_asked_of_it(app: App, shop: Shop) -> None:
    """Within a renewal `context.requested` names the repair at the job that the handler does, and no other's."""
    begun: asyncio.Queue[JobContext] = asyncio.Queue()
    let_go = asyncio.Event()

    @job("k", lease_seconds=2)
    async def handler(context: JobContext) -> None:
        begun.put_nowait(context)
        await let_go.wait()

    asked_of, other = await ask(app, "k"), await ask(app, "k")
    async with working(app, handler, concurrency=2) as worker:
        contexts = {context.job.id: context for context in [await begun.get(), await begun.get()]}
        await shop.incident("complete_rejected", asked_of, worker_id=worker.worker_id)
        assert await shop.run() == {"planned": 1, "executing": 1}

        async def told() -> list[Mapping[str, Any]]:
            return list(contexts[asked_of].requested)

        [request] = await until(told, "the request")
        assert (request["action"], request["job"]) == ("repair_contract", asked_of)
        assert contexts[other].requested == ()
        let_go.set()
        await reaches(app, asked_of, "completed")


def test_handlers_are_asked_for_all_that_holders_are_asked_for() -> None:
    """The query of a worker of handlers, which loads no rules, names the very actions that ride on other answers."""
    named = re.findall(r"'(\w+)'", query("asked_of_handlers").partition(" IN ")[2])
    assert sorted(named) == sorted(OF_HOLDERS)
