"""How an attempt of a Python handler ends, and that it ends for that job alone."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from raw_sql import rows
from services.handler_runs import ask, attempts, reaches, until, working
from watchkeeper import JobContext, job
from watchkeeper.app.whole import App
from watchkeeper.domain.claims import ClaimedJob
from watchkeeper.domain.errors import DatabaseUnavailable

PAGE = {"primary": {"kinds": ["html_page"]}}


@job("plain", max_attempts=1)
async def plain(context: JobContext) -> None:
    """Do nothing."""


async def test_a_lost_lease_costs_its_own_job_only(app: App) -> None:
    """A handler that learns in mid-work that its lease is gone stops; the worker does the next job as ever."""

    @job("doomed")
    async def doomed(context: JobContext) -> None:
        await app.operations.move("p", context.job.id, "cancel", actor="t", reason="r", force=True)
        await context.progress("too late")

    async with working(app, doomed, plain):
        lost = await ask(app, "doomed")
        await reaches(app, lost, "cancelled")
        for _ in range(3):
            await reaches(app, await ask(app, "plain"), "completed")


async def test_something_cancelled_inside_a_handler_is_that_attempt_s_failure(app: App) -> None:
    """A handler that waits for a task which somebody cancels has failed, is tried again, and holds up nobody."""

    @job("inner", max_attempts=1)
    async def inner(context: JobContext) -> None:
        task = asyncio.create_task(asyncio.Event().wait())
        asyncio.get_running_loop().call_soon(task.cancel)
        await task

    async with working(app, inner, plain):
        failed = await ask(app, "inner")
        row = await reaches(app, failed, "failed")
        await reaches(app, await ask(app, "plain"), "completed")
    assert row["state_reason"] == "attempts_used_up"
    assert "CancelledError" in (await attempts(app, failed))[0]["error"]


@pytest.mark.parametrize("text", ["a NUL \0 in it", "half a character \ud800"])
async def test_an_error_that_text_cannot_hold_is_recorded_all_the_same(app: App, text: str) -> None:
    """Whatever a handler raises or sums up, the attempt's end is written and the worker goes on."""

    @job("loud", max_attempts=1)
    async def loud(context: JobContext) -> None:
        context.summary = text
        if context.payload.get("fail"):
            raise ValueError(text)

    async with working(app, loud):
        failed = await reaches(app, await ask(app, "loud", {"fail": True}), "failed")
        done = await reaches(app, await ask(app, "loud"), "completed")
    assert text[:6] in failed["summary"]
    assert text[:6] in done["summary"]


async def test_an_outage_inside_a_handler_is_not_the_agent_s_error(app: App) -> None:
    """DatabaseUnavailable out of a handler hands the job back as infrastructure's, with nothing used up."""

    @job("cut_off", max_attempts=1)
    async def cut_off(context: JobContext) -> None:
        raise DatabaseUnavailable("away")

    async with working(app, cut_off):
        job_id = await ask(app, "cut_off")

        async def ended() -> bool:
            return [a["cause"] for a in await attempts(app, job_id)] == ["infrastructure"]

        await until(ended, "the attempt's end")
        row = await reaches(app, job_id, "pending")
    assert (row["agent_errors"], row["lost_leases"]) == (0, 0)


async def test_a_claim_whose_answer_was_lost_costs_no_lease(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that breaks between a claim's commit and its answer: the job comes to its worker all the same."""
    claim, begun, lost = app.queue.claim, asyncio.Event(), asyncio.Event()

    async def claim_unheard(*given: Any, **more: Any) -> list[ClaimedJob]:
        jobs = await claim(*given, **more)
        if jobs and begun.is_set() and not lost.is_set():
            lost.set()
            await more["connection"].close()
            raise DatabaseUnavailable("the connection was closed")
        return jobs

    @job("held")
    async def held(context: JobContext) -> None:
        begun.set()
        await lost.wait()

    monkeypatch.setattr(app.queue, "claim", claim_unheard)
    async with working(app, held, plain, concurrency=2):
        first = await ask(app, "held")
        await begun.wait()
        second = await ask(app, "plain")
        for job_id in (first, second):
            await reaches(app, job_id, "completed")
            assert [(a["epoch"], a["outcome"]) for a in await attempts(app, job_id)] == [(1, "completed")]
    redelivered = await rows(
        app.database, "SELECT job_seq FROM watchkeeper.audit_events WHERE event = 'lease_redelivered'"
    )
    assert len(redelivered) == 1


@pytest.mark.parametrize(("looks", "state"), [(True, "cancelled"), (False, "completed")])
async def test_a_cancel_is_told_to_the_handler(app: App, looks: bool, state: str) -> None:
    """A handler that sees the wish and returns has cancelled its job; one that never looks has completed it."""
    begun, asked = asyncio.Event(), asyncio.Event()

    @job("patient", lease_seconds=2)
    async def patient(context: JobContext) -> None:
        async def told() -> bool:
            return context.cancel_requested

        begun.set()
        await (until(told, "the wish") if looks else asked.wait())

    async with working(app, patient):
        job_id = await ask(app, "patient")
        await begun.wait()
        moved = await app.operations.move("p", job_id, "cancel", actor="t", reason="r")
        asked.set()
        row = await reaches(app, job_id, "cancelled", "completed")
    assert moved.cancel_requested
    assert row["state"] == state


async def test_a_short_lease_is_renewed_in_time_after_long_idleness(app: App) -> None:
    """A job with a lease of 2 s that comes to an idle worker runs for twice that without being rescued."""

    @job("slow", lease_seconds=2)
    async def slow(context: JobContext) -> None:
        async def outlived() -> bool:
            await app.maintenance.keep_time()
            [lease] = await rows(
                app.database, "SELECT renewed_at - claimed_at AS kept FROM watchkeeper.leases"
            )
            return lease["kept"] > timedelta(seconds=4)

        await until(outlived, "the lease to be kept for twice its time")

    await app.maintenance.keep_time()
    async with working(app, slow):
        job_id = await ask(app, "slow")
        await reaches(app, job_id, "completed")
    assert [a["outcome"] for a in await attempts(app, job_id)] == ["completed"]


async def test_a_job_that_comes_back_to_its_worker_is_a_new_lease(app: App) -> None:
    """While a lost attempt still unwinds, its worker may hold the job anew: neither end touches the other."""
    begun, moved, unwind = asyncio.Event(), asyncio.Event(), asyncio.Event()

    @job("twice", lease_seconds=2)
    async def twice(context: JobContext) -> None:
        if context.job.epoch == 1:
            begun.set()
            try:
                await moved.wait()
                await context.progress("lost")
            finally:
                await unwind.wait()
        unwind.set()

    async with working(app, twice, plain, concurrency=2):
        job_id = await ask(app, "twice")
        await begun.wait()
        await app.operations.move("p", job_id, "pause", actor="t", reason="r")
        await app.operations.move("p", job_id, "resume", actor="t", reason="r")
        moved.set()
        await reaches(app, job_id, "completed")
        await reaches(app, await ask(app, "plain"), "completed")
    assert [a["outcome"] for a in await attempts(app, job_id)] == ["paused", "completed"]


@pytest.mark.parametrize(
    ("page", "state", "told"),
    [
        (
            "<!doctype html><title>t</title><h1>Report</h1><p>All 12 figures were checked.</p>",
            "completed",
            "artifact",
        ),
        ("", "stuck", "gate_failed"),
        (None, "stuck", "contract_rejected"),
    ],
)
async def test_a_contract_s_evidence_decides(app: App, page: str | None, state: str, told: str) -> None:
    """A page that can be opened completes its job as verified; an empty one, or none, leaves the job stuck."""

    @job("page", contract=PAGE)
    async def make_page(context: JobContext) -> None:
        await context.progress("writing", phase="write")
        if page is not None:
            await context.upload("index.html", page.encode())

    async with working(app, make_page):
        row = await reaches(app, await ask(app, "page"), "completed", "stuck", "failed")
    assert row["state"] == state
    assert told in (row["verified"], row["state_reason"])
