"""Renewals from their own thread: a database that does not answer costs no more than the lease."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest

from raw_sql import rows
from services.handler_runs import until
from watchkeeper.app.whole import App
from watchkeeper.domain.kinds import KindDeclaration
from watchkeeper.services.enqueueing import JobRequest
from watchkeeper.services.renewal import LeaseBook, RenewalConfig, Renewer, boot_clock
from watchkeeper.storage.jobs import HeldLease

IDLE_BACKEND = """
SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%%SET renewed_at%%'
   AND state = 'idle'
"""


class Told:
    """What a renewer told."""

    def __init__(self) -> None:
        self.lost: list[HeldLease] = []
        self.unconfirmed: list[HeldLease] = []
        self.outages: list[str] = []


@pytest.fixture
async def book(app: App) -> LeaseBook:
    """One lease of 2 s."""
    await app.kinds.declare("p", KindDeclaration("k", lease_seconds=2), actor="t")
    await app.queue.enqueue("p", [JobRequest("k")], actor="t")
    book = LeaseBook()
    sent_at = boot_clock()
    book.add(await app.queue.claim("p", "w", None, profile="runtime"), sent_at)
    return book


@pytest.fixture
async def told(app: App, book: LeaseBook) -> AsyncIterator[Told]:
    """A renewer at work on the book."""
    told = Told()
    renewer = Renewer(
        RenewalConfig(app.database.config, "p"),
        book,
        on_lost=told.lost.extend,
        on_unconfirmed=told.unconfirmed.extend,
        on_cancel=lambda leases: None,
        on_outage=told.outages.append,
    )
    renewer.start()
    yield told
    await asyncio.to_thread(renewer.stop)


async def test_a_connection_that_answers_no_more_is_replaced(app: App, book: LeaseBook, told: Told) -> None:
    """When a server process hangs, the renewal is tried again on a new connection before the lease ends."""

    async def stopped() -> int | None:
        """Stop the renewer's server process between two renewals: within one it would keep the lease's row locked."""
        for row in await rows(app.database, IDLE_BACKEND):
            os.kill(row["pid"], signal.SIGSTOP)
            if row in await rows(app.database, IDLE_BACKEND):
                return int(row["pid"])
            os.kill(row["pid"], signal.SIGCONT)
        return None

    backend = await until(stopped, "the first renewal")
    try:

        async def told_and_renewed() -> bool:
            return bool(told.outages) and book.snapshot()[0].seconds_left > 1.5

        await until(told_and_renewed, "a renewal on a new connection", timeout=10)
    finally:
        os.kill(backend, signal.SIGCONT)
    assert "did not answer" in told.outages[0]
    assert told.lost == told.unconfirmed == []


async def test_a_lease_that_stays_unconfirmed_is_given_up_at_its_end(
    app: App, book: LeaseBook, told: Told
) -> None:
    """While nothing is answered, the holder stops by its own clock; nothing says that the lease is lost."""

    async def given_up() -> bool:
        return bool(told.unconfirmed)

    async with app.database.transaction() as connection:
        await connection.execute(b"SELECT 1 FROM watchkeeper.leases FOR UPDATE")
        await until(given_up, "the lease to be given up", timeout=10)
    assert "did not answer" in told.outages[0]
    assert told.unconfirmed[0] == book.snapshot()[0].lease
    assert told.lost == []


async def test_a_suspended_process_s_open_transaction_is_ended(app: App) -> None:
    """The server ends a transaction that its client left open, so that a stopped process keeps no row to itself."""
    [row] = await rows(app.database, "SHOW idle_in_transaction_session_timeout")
    assert row["idle_in_transaction_session_timeout"] == "1min"
