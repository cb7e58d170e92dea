"""Renews the leases of a process from a thread of its own, so that work that blocks the event loop costs no lease."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from watchkeeper.domain.claims import ClaimedJob
from watchkeeper.domain.errors import WatchkeeperError
from watchkeeper.domain.leases import RUNTIME_LEASE_SECONDS
from watchkeeper.storage import jobs as store
from watchkeeper.storage.database import Connection, DatabaseConfig, Row, connect, driver_errors
from watchkeeper.storage.jobs import HeldLease


def boot_clock() -> float:
    """Seconds of this machine's life, time asleep included: what a lease may be measured by."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(slots=True)
class Hold:
    """One lease in this process's hands. `confirmed_at` is the boot clock when the last good request was sent."""

    lease: HeldLease
    seconds: int
    confirmed_at: float

    @property
    def lost_by_the_clock(self) -> bool:
        return boot_clock() > self.confirmed_at + self.seconds


class LeaseBook:
    """The leases that this process holds; shared between the event loop and the renewing thread."""

    def __init__(self) -> None:
        self._holds: dict[int, Hold] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._holds)

    def add(self, jobs: Sequence[ClaimedJob], sent_at: float) -> None:
        with self._lock:
            for job in jobs:
                lease = HeldLease(job.seq, job.token.epoch, job.token.secret_hash)
                self._holds[job.seq] = Hold(lease, job.lease_seconds, sent_at)

    def lease(self, seq: int) -> HeldLease | None:
        hold = self._holds.get(seq)
        return None if hold is None else hold.lease

    def drop(self, seqs: Sequence[int]) -> None:
        with self._lock:
            for seq in seqs:
                self._holds.pop(seq, None)

    def snapshot(self) -> list[Hold]:
        with self._lock:
            return list(self._holds.values())


@dataclass(frozen=True, slots=True)
class RenewalConfig:
    """`interval` is in seconds: a quarter of the shortest lease leaves room for two lost renewals."""

    database: DatabaseConfig
    project_id: str
    interval: float = RUNTIME_LEASE_SECONDS / 4


class Renewer:
    """A thread that renews every lease of a book, and tells of those that are lost or to be cancelled.

    The callbacks run in the renewing thread.
    """

    def __init__(
        self,
        config: RenewalConfig,
        book: LeaseBook,
        *,
        on_lost: Callable[[list[int]], None],
        on_cancel: Callable[[list[int]], None],
        on_outage: Callable[[str], None],
    ) -> None:
        self._config = config
        self._book = book
        self._on_lost = on_lost
        self._on_cancel = on_cancel
        self._on_outage = on_outage
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._connection: Connection | None = None

    def start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="watchkeeper-renewer", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop renewing; safe to repeat."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        with asyncio.Runner() as runner:
            while not self._stop.wait(self._pause()):
                runner.run(self.run_once())
            if self._connection is not None:
                runner.run(self._connection.close())

    def _pause(self) -> float:
        holds = self._book.snapshot()
        return min([self._config.interval, *(hold.seconds / 4 for hold in holds)])

    async def run_once(self) -> int:
        """Renew once and give how many leases were renewed; an outage is told, not raised."""
        holds = self._book.snapshot()
        if not holds:
            return 0
        sent_at = boot_clock()
        try:
            rows = await self._renew([hold.lease for hold in holds])
        except WatchkeeperError as error:
            self._on_outage(error.message)
            self._give_up(holds)
            return 0
        renewed = {row["seq"]: row for row in rows}
        for hold in holds:
            if hold.lease.seq in renewed:
                hold.confirmed_at = sent_at
        lost = [hold.lease.seq for hold in holds if hold.lease.seq not in renewed]
        still_lost = [seq for seq in lost if self._book.lease(seq) is not None]
        if still_lost:
            self._on_lost(still_lost)
        if cancelled := [seq for seq, row in renewed.items() if row["cancel_requested"]]:
            self._on_cancel(cancelled)
        return len(renewed)

    async def _renew(self, leases: list[HeldLease]) -> list[Row]:
        with driver_errors():
            if self._connection is None or self._connection.closed:
                self._connection = await connect(self._config.database)
            return await store.renew(self._connection, self._config.project_id, leases)

    def _give_up(self, holds: list[Hold]) -> None:
        """What stays unconfirmed past its lease may be somebody else's by now."""
        late = [hold.lease.seq for hold in holds if hold.lost_by_the_clock]
        if late:
            self._on_lost(late)
