"""Renews the leases of a process from a thread of its own, so that work that blocks the event loop costs no lease."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from watchkeeper.domain.claims import ClaimedJob
from watchkeeper.domain.errors import DatabaseUnavailable
from watchkeeper.domain.leases import RUNTIME_LEASE_SECONDS
from watchkeeper.host.clock import boot_clock
from watchkeeper.storage import jobs as store
from watchkeeper.storage.database import (
    Connection,
    DatabaseConfig,
    Row,
    broken_off,
    connect,
    fetch,
)
from watchkeeper.storage.driver_errors import driver_errors
from watchkeeper.storage.jobs import HeldLease

PATIENCE_SECONDS = 1.0
"""The least time that a renewal may take before it is tried again on a new connection."""


@dataclass(slots=True)
class Hold:
    """One lease in this process's hands; `confirmed_at` is the boot clock when the last good request was sent."""

    job_id: str
    lease: HeldLease
    seconds: int
    confirmed_at: float

    @property
    def seconds_left(self) -> float:
        return self.confirmed_at + self.seconds - boot_clock()


class LeaseBook:
    """The leases that this process holds; shared between the event loop and the renewing thread.

    A job that was lost and claimed again is another lease: whoever speaks of the old one does not touch the new.
    `hurry` is set when a lease comes in that is shorter than all before, since it must be renewed more often.
    """

    def __init__(self) -> None:
        self._holds: dict[int, Hold] = {}
        self._lock = threading.Lock()
        self.shortest_seconds = RUNTIME_LEASE_SECONDS
        self.hurry = threading.Event()

    def __len__(self) -> int:
        return len(self._holds)

    def add(self, jobs: Sequence[ClaimedJob], sent_at: float) -> None:
        with self._lock:
            for job in jobs:
                lease = HeldLease(job.seq, job.epoch, job.token_hash)
                self._holds[job.seq] = Hold(job.id, lease, job.lease_seconds, sent_at)
                if job.lease_seconds < self.shortest_seconds:
                    self.shortest_seconds = job.lease_seconds
                    self.hurry.set()

    def lease(self, job: ClaimedJob) -> HeldLease | None:
        """Give the lease that the job was claimed under, while it is held."""
        hold = self._holds.get(job.seq)
        return hold.lease if hold is not None and hold.lease.epoch == job.epoch else None

    def is_overdue(self, lease: HeldLease) -> bool:
        """Say whether a lease stayed unconfirmed past its time, so that nothing may be begun under it."""
        hold = self._holds.get(lease.seq)
        return hold is not None and hold.seconds_left <= 0

    def job_ids(self) -> list[str]:
        """Name the jobs of all leases that are held."""
        return [hold.job_id for hold in self.snapshot()]

    def drop(self, leases: Sequence[HeldLease]) -> list[HeldLease]:
        """Forget leases; give those that were still held."""
        dropped = []
        with self._lock:
            for lease in leases:
                hold = self._holds.get(lease.seq)
                if hold is not None and hold.lease.epoch == lease.epoch:
                    del self._holds[lease.seq]
                    dropped.append(lease)
        return dropped

    def snapshot(self) -> list[Hold]:
        with self._lock:
            return list(self._holds.values())


@dataclass(frozen=True, slots=True)
class RenewalConfig:
    """`interval` is in seconds: a quarter of the shortest lease leaves room for two lost renewals."""

    database: DatabaseConfig
    project_id: str
    worker_id: str = ""
    interval: float = RUNTIME_LEASE_SECONDS / 4


class Renewer:
    """A thread that renews every lease of a book, and tells what becomes of them: lost, unconfirmed, to be cancelled.

    After each renewal it tells what repairs ask of the worker, nothing included, where somebody wants to know.
    The callbacks run in the renewing thread; a lease may be told of more than once.
    """

    def __init__(
        self,
        config: RenewalConfig,
        book: LeaseBook,
        *,
        on_lost: Callable[[list[HeldLease]], None],
        on_unconfirmed: Callable[[list[HeldLease]], None],
        on_cancel: Callable[[list[HeldLease]], None],
        on_outage: Callable[[str], None],
        on_requests: Callable[[list[Row]], None] | None = None,
    ) -> None:
        self._config = config
        self._book = book
        self._on_lost = on_lost
        self._on_unconfirmed = on_unconfirmed
        self._on_cancel = on_cancel
        self._on_outage = on_outage
        self._on_requests = on_requests
        self._stopping = False
        self._thread: threading.Thread | None = None
        self._connection: Connection | None = None

    def start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="watchkeeper-renewer", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop renewing; safe to repeat."""
        self._stopping = True
        self._book.hurry.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        with asyncio.Runner() as runner:
            while True:
                self._book.hurry.wait(self._pause())
                self._book.hurry.clear()
                if self._stopping:
                    break
                runner.run(self.run_once())
            if self._connection is not None:
                runner.run(self._connection.close())

    def _pause(self) -> float:
        return min(self._config.interval, self._book.shortest_seconds / 4)

    async def run_once(self) -> int:
        """Renew what would be late at the next look, and all else with it; give how many leases were renewed.

        An outage is told, not raised.
        """
        holds = self._book.snapshot()
        pause = self._pause()
        if not any(hold.seconds_left - pause <= hold.seconds * 3 / 4 for hold in holds):
            return 0
        sent_at = boot_clock()
        try:
            rows, asked = await self._renew_in_time(holds)
        except Exception as error:  # noqa: BLE001 - whatever it is, the leases are unconfirmed, and this thread must live
            self._on_outage(str(error) or type(error).__name__)
            self._give_up(holds)
            return 0
        renewed = {row["seq"]: row for row in rows}
        for hold in holds:
            if hold.lease.seq in renewed:
                hold.confirmed_at = sent_at
        if lost := [hold.lease for hold in holds if hold.lease.seq not in renewed]:
            self._on_lost(lost)
        if cancelled := [hold.lease for hold in holds if _is_to_be_cancelled(renewed.get(hold.lease.seq))]:
            self._on_cancel(cancelled)
        if self._on_requests is not None:
            self._on_requests(asked)
        return len(renewed)

    async def _renew_in_time(self, holds: list[Hold]) -> tuple[list[Row], list[Row]]:
        """Renew; give what was renewed, and what is asked of the worker.

        Raises DatabaseUnavailable when no answer came before a lease would end unconfirmed.
        A database that is suspended keeps its connections alive and never answers.
        """
        left = min((hold.seconds_left for hold in holds if hold.seconds_left > 0), default=0.0)
        patience = max(PATIENCE_SECONDS, self._pause())
        renewing = asyncio.ensure_future(self._renew([hold.lease for hold in holds]))
        deadline = boot_clock() + (min(patience, left) if left else patience)
        while not self._stopping and (still := deadline - boot_clock()) > 0:
            done, _ = await asyncio.wait({renewing}, timeout=min(still, PATIENCE_SECONDS))
            if done:
                return renewing.result()
        await broken_off([renewing])
        if self._connection is not None:
            await self._connection.close()
        raise DatabaseUnavailable("the database did not answer in time")

    async def _renew(self, leases: list[HeldLease]) -> tuple[list[Row], list[Row]]:
        with driver_errors():
            if self._connection is None or self._connection.closed:
                self._connection = await connect(self._config.database)
            project = self._config.project_id
            who = {"project_id": project, "worker_id": self._config.worker_id}
            renewed = await store.renew(self._connection, project, leases)
            if self._on_requests is None:
                return renewed, []
            # Only now: whatever keeps this read waiting, the leases are renewed.
            return renewed, await fetch(self._connection, "asked_of_handlers", who)

    def _give_up(self, holds: list[Hold]) -> None:
        """What stays unconfirmed past its lease may be somebody else's by now; only an answer can say."""
        if late := [hold.lease for hold in holds if hold.seconds_left <= 0]:
            self._on_unconfirmed(late)


def _is_to_be_cancelled(row: Row | None) -> bool:
    return row is not None and bool(row["cancel_requested"])
