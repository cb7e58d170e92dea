"""The runtime worker: claims batches of jobs, runs Python handlers, and reports, while the database works alongside.

Two connections overlap: one claims while handlers run, the other reports what is done. At most `slots` jobs are in
hand, so that a crash loses little. Leases are renewed by a thread of its own (services/renewal.py).
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Self, TypeVar

from watchkeeper.domain.claims import ClaimedJob
from watchkeeper.domain.jobs import AttemptCause
from watchkeeper.logs import log
from watchkeeper.services.claiming import POLL_SECONDS, Claimer, ClaimingConfig
from watchkeeper.services.handler_run import Interruption, Running, run_handler, unconfirmed
from watchkeeper.services.handlers import Handler, JobContext, handlers_by_kind
from watchkeeper.services.job_desk import JobDesk
from watchkeeper.services.queue import AttemptEnd
from watchkeeper.services.renewal import LeaseBook, RenewalConfig, Renewer
from watchkeeper.services.reporting import Reporter
from watchkeeper.storage.database import Row, broken_off
from watchkeeper.storage.jobs import Completion, HeldLease

LAST_ANSWER_SECONDS = 3.0
"""How long a stopping worker waits for a database that does not answer, or takes no report."""

_Told = TypeVar("_Told")


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """`concurrency` handlers run at once; `prefetch` more jobs may be in hand, for handlers of milliseconds."""

    project_id: str = "default"
    concurrency: int = 2
    prefetch: int = 0
    worker_id: str | None = None
    pool: str = "default"
    role: str | None = None
    persona: str | None = None
    poll_seconds: float = POLL_SECONDS

    @property
    def slots(self) -> int:
        return self.concurrency + self.prefetch


class HandlerWorker:
    """Runs handlers under leases until it is stopped; `desk` gives it queue, database and gate."""

    def __init__(self, handlers: Iterable[Handler], desk: JobDesk, config: WorkerConfig) -> None:
        self._handlers = handlers_by_kind(handlers)
        self._desk = desk
        self._config = config
        self.worker_id = config.worker_id or f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        self._actor = f"worker:{self.worker_id}"
        self._book = LeaseBook()
        self._jobs: asyncio.Queue[ClaimedJob | None] = asyncio.Queue()
        self._running: dict[tuple[int, int], Running] = {}
        self._ready = asyncio.Event()
        self._room = asyncio.Event()
        self._stopping = False
        self._stop_asked = asyncio.Event()
        self._idle_runners = 0
        self._claimer = Claimer(
            ClaimingConfig(config.project_id, self.worker_id, list(self._handlers), config.poll_seconds),
            desk.database,
            desk.queue,
            self._book.job_ids,
        )
        self._reporter = Reporter(
            desk.database.config,
            desk.queue,
            config.project_id,
            self._actor,
            max(1, config.slots // 2),
            self._forget,
        )

    async def run(self) -> None:
        """Work until `stop()`; then finish what runs, hand back what has not begun, and return."""
        loop = asyncio.get_running_loop()
        await self._desk.open_worker(self.worker_id, self._config, [h.kind for h in self._handlers.values()])
        renewer = Renewer(
            RenewalConfig(self._desk.database.config, self._config.project_id, self.worker_id),
            self._book,
            on_lost=lambda leases: _call(loop, self._take_as_lost, leases),
            on_unconfirmed=lambda leases: _call(loop, self._stop_unconfirmed, leases),
            on_cancel=lambda leases: _call(loop, self._ask_to_cancel, leases),
            on_outage=lambda detail: log("renewal_failed", detail=detail),
            on_requests=lambda asked: _call(loop, self._hear, asked),
        )
        renewer.start()
        self._ready.set()
        try:
            async with asyncio.TaskGroup() as group:
                reporting = group.create_task(self._reporter.run())
                runners = [group.create_task(self._run_jobs()) for _ in range(self._config.concurrency)]
                await self._claimed_until_stopped(group)
                self._hand_back_the_rest()
                await asyncio.wait(runners)
                await self._report_the_rest(reporting)
        finally:
            await asyncio.to_thread(renewer.stop)
            await self._claimer.close()

    def stop(self) -> None:
        """Claim no more; `run` returns when what runs is done. Safe to repeat."""
        self._stopping = True
        self._stop_asked.set()
        self._room.set()
        self._claimer.wake()

    async def _claimed_until_stopped(self, group: asyncio.TaskGroup) -> None:
        """Claim until `stop()`; a claim that gets no answer then is broken off."""
        claiming = group.create_task(self._claim_until_stopped())
        asked = group.create_task(self._stop_asked.wait())
        await asyncio.wait({claiming, asked}, return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        await asyncio.wait({claiming}, timeout=LAST_ANSWER_SECONDS)
        await broken_off([claiming])

    async def _report_the_rest(self, reporting: asyncio.Task[None]) -> None:
        """Wait until all ends are told; give up on a database that takes none of them: their leases run out."""
        self._reporter.close()
        untold = -1
        while not reporting.done() and untold != len(self._book):
            untold = len(self._book)
            await asyncio.wait({reporting}, timeout=LAST_ANSWER_SECONDS)
        if not reporting.done():
            log("reports_given_up", jobs=untold)
        await broken_off([reporting])

    async def _claim_until_stopped(self) -> None:
        slots = self._config.slots
        while not self._stopping:
            room = slots - len(self._book)
            if room < max(1, slots // 2) and not (room and self._idle_runners and self._jobs.empty()):
                self._room.clear()
                await self._room.wait()
                continue
            limit = min(room, max(1, slots // 2))
            jobs = await self._claimer.claim(limit)
            busy = bool(jobs)
            if not jobs and not self._stopping:
                jobs = await self._claimer.sleep(limit)
            self._book.add(jobs, self._claimer.asked_at)
            for job in jobs:
                self._jobs.put_nowait(job)
            if jobs:
                await asyncio.sleep(0)  # let the handlers begin first
            if busy:
                await self._claimer.stay_awake()

    def _hand_back_the_rest(self) -> None:
        while not self._jobs.empty():
            if (job := self._jobs.get_nowait()) and (lease := self._book.lease(job)):
                self._reporter.ended(AttemptEnd(lease, AttemptCause.OPERATOR, "the worker shut down"))
        for _ in range(self._config.concurrency):
            self._jobs.put_nowait(None)

    async def _run_jobs(self) -> None:
        task = _this_task()
        while True:
            self._idle_runners += 1
            try:
                job = await self._jobs.get()
            finally:
                self._idle_runners -= 1
            if job is None:
                return
            if (lease := self._book.lease(job)) is None:
                continue
            if self._book.is_overdue(lease):
                self._reporter.ended(unconfirmed(lease))
                continue
            running = Running(JobContext(job, self._desk), lease, task)
            self._running[job.seq, job.epoch] = running
            try:
                end = await run_handler(self._handlers[job.kind], self._desk, running)
            except asyncio.CancelledError:
                if task.cancelling() > (running.interrupted is not None):
                    raise  # the worker itself is ended
                end = running.cut_short()
            finally:
                del self._running[job.seq, job.epoch]
                if running.interrupted is not None:
                    task.uncancel()
            self._tell(lease, end)

    def _tell(self, lease: HeldLease, end: Completion | AttemptEnd | None) -> None:
        match end:
            case Completion():
                self._reporter.completed(end)
            case AttemptEnd():
                self._reporter.ended(end)
            case None:
                self._forget([lease])

    def _forget(self, leases: list[HeldLease]) -> None:
        self._book.drop(leases)
        self._room.set()

    def _take_as_lost(self, leases: list[HeldLease]) -> None:
        """Stop what runs without a lease: somebody else may run it by now."""
        for lease in self._book.drop(leases):
            log("lease_lost", job_seq=lease.seq)
            if running := self._running.get((lease.seq, lease.epoch)):
                running.interrupt(Interruption.LOST)
        self._room.set()

    def _stop_unconfirmed(self, leases: list[HeldLease]) -> None:
        """Stop what runs past its lease unconfirmed; the lease is kept, so that its end can still be told."""
        for lease in leases:
            if running := self._running.get((lease.seq, lease.epoch)):
                running.interrupt(Interruption.UNCONFIRMED)

    def _ask_to_cancel(self, leases: list[HeldLease]) -> None:
        for lease in leases:
            if running := self._running.get((lease.seq, lease.epoch)):
                running.context.ask_to_cancel()

    def _hear(self, asked: list[Row]) -> None:
        for running in self._running.values():
            context = running.context
            context.requested = tuple(each for each in asked if each["job"] == context.job.id)

    async def __aenter__(self) -> Self:
        """Begin to work; raise what keeps the worker from beginning, such as DatabaseUnavailable."""
        self._lifespan = asyncio.create_task(self.run(), name="watchkeeper-worker")
        ready = asyncio.create_task(self._ready.wait())
        try:
            await asyncio.wait({self._lifespan, ready}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ready.cancel()
        if not self._ready.is_set():
            await self._lifespan
        return self

    async def __aexit__(self, *_: object) -> None:
        self.stop()
        await self._lifespan


def _call(loop: asyncio.AbstractEventLoop, function: Callable[[_Told], None], told: _Told) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(function, told)


def _this_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("handlers run inside tasks")
    return task
