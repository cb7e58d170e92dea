"""One worker process of agents: its attempts, each a task, and the loops beside them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from watchkeeper.agents.adapter import Adapter
from watchkeeper.agents.scope import remove_empty_homes
from watchkeeper.agents.spawning import Nursery
from watchkeeper.agents.workspace import Workspaces
from watchkeeper.domain.errors import ServerUnreachable
from watchkeeper.domain.jobs import AttemptCause
from watchkeeper.host.clock import boot_clock
from watchkeeper.logs import log
from watchkeeper.services.supervision.claiming import Claiming
from watchkeeper.services.supervision.config import SupervisorConfig
from watchkeeper.services.supervision.contract_host import ContractHost
from watchkeeper.services.supervision.delivery import Delivery
from watchkeeper.services.supervision.endings import Why
from watchkeeper.services.supervision.means import Means, facts_of
from watchkeeper.services.supervision.place import Place
from watchkeeper.services.supervision.records import AttemptRecords, attempts_in
from watchkeeper.services.supervision.renewals import LeaseHold, RenewalEvents, Renewals
from watchkeeper.services.supervision.retention import Retention
from watchkeeper.services.supervision.seams import SessionRecords, Unrecorded
from watchkeeper.services.supervision.server_link import Refused, ServerLink
from watchkeeper.services.supervision.session_requests import SessionRequests
from watchkeeper.services.supervision.session_run import Attempt

LOOK_SECONDS = 0.2
RETENTION_SECONDS = 600.0
LAST_REPORTS_SECONDS = 5.0
"""How long a stopping supervisor goes on telling ends to a server that is away; the next one tells the rest."""


class Supervisor:
    """One worker process: its attempts, each a task, and the loops beside them."""

    def __init__(
        self,
        config: SupervisorConfig,
        place: Place,
        workspaces: Workspaces,
        adapter: Adapter,
        contract_host: ContractHost | None = None,
        session_records: SessionRecords | None = None,
    ) -> None:
        self._config = config
        self._place = place
        self._nursery = Nursery()
        self._link = ServerLink(config.url, config.token)
        delivery = Delivery(self._link, place.worker_id, config.artifact_limit_bytes)
        self._means = Means(
            config,
            place.worker_id,
            workspaces,
            delivery,
            adapter,
            contract_host,
            session_records or Unrecorded(),
            self._nursery.spawn,
        )
        self._attempts: dict[Attempt, asyncio.Task[None]] = {}
        self._beside: set[asyncio.Task[None]] = set()
        self._claiming = Claiming(
            config, place.worker_id, self._link, config.home, self._jobs, self._requested
        )
        places = (place.directory, *place.orphaned)
        self._requests = SessionRequests(places, self._means.session_records)
        self._retention = Retention(config, workspaces, places)
        self._is_away = False

    async def run(self, stopping: asyncio.Event, hurrying: asyncio.Event) -> None:
        """Adopt what a former supervisor left, then work until `stopping` is set."""
        log("supervisor_started", worker_id=self._place.worker_id, slots=self._config.slots)
        self._renewals = Renewals(
            self._config.url,
            self._config.token,
            self._place.worker_id,
            self._events(asyncio.get_running_loop()),
        )
        self._renewals.start()
        try:
            self._adopt((self._place.directory, *self._place.orphaned))
            await self._work_until(stopping)
            await self._finish(hurrying)
        finally:
            await asyncio.to_thread(self._renewals.stop)
            self._nursery.stop()
            await self._link.close()
            await asyncio.to_thread(remove_empty_homes)
        log("supervisor_stopped", worker_id=self._place.worker_id)

    async def _work_until(self, stopping: asyncio.Event) -> None:
        working = asyncio.create_task(self._work(), name="claims")
        keeping = asyncio.create_task(self._keep_house(), name="retention")
        stop = asyncio.create_task(stopping.wait(), name="stop")
        try:
            await asyncio.wait([working, stop], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (working, keeping, stop):
                task.cancel()
            await asyncio.wait([working, keeping, stop])
        if not working.cancelled() and (error := working.exception()) is not None:
            await self._finish(stopping)
            raise error

    async def _work(self) -> None:
        await self._claiming.register(socket.gethostname())
        await self._claiming.run(lambda: self._config.slots - len(self._attempts), self._taken)

    def _jobs(self) -> list[str]:
        return [attempt.id for attempt in self._attempts]

    async def _keep_house(self) -> None:
        while True:
            try:
                await asyncio.to_thread(self._retention.run_once)
            except Exception as error:  # noqa: BLE001 - a retention that ends unseen fills the disk
                log("retention_failed", detail=f"{type(error).__name__}: {error}")
            await asyncio.sleep(RETENTION_SECONDS)

    async def _taken(self, jobs: Iterable[dict[str, Any]], sent_at: float) -> None:
        for job in jobs:
            # The lease began within the wait: a renewal tells for sure, at once where the answer was slow.
            facts = facts_of(job, max(sent_at, boot_clock() - job["lease_seconds"] / 4))
            try:
                records = await asyncio.to_thread(
                    AttemptRecords.make, self._place.directory, job["id"], job["epoch"], facts
                )
            except OSError as error:
                # Nothing was begun, and nothing can be kept: if this is not heard either, the lease runs out.
                log("claim_not_kept", job=job["id"], detail=str(error))
                self._aside(self._give_back(job, f"the worker cannot keep records: {error.strerror}"))
                continue
            log(
                "job_claimed",
                job=job["id"],
                kind=job["kind"],
                epoch=job["epoch"],
                redelivered=job["redelivered"],
            )
            attempt = Attempt(self._means, records, facts)
            self._begin(attempt, asyncio.create_task(attempt.run(), name=f"attempt {job['id']}"))

    def _adopt(self, places: Iterable[Path]) -> None:
        """Take over every attempt whose end the server does not know; renewing it shows whether the lease lives."""
        for records in (records for place in places for records in attempts_in(place)):
            facts = records.lease()
            if facts is None or records.is_over:
                continue
            # As if a renewal were due: it is asked for at once.
            facts["sent_at"] = boot_clock() - facts["job"]["lease_seconds"] / 4
            attempt = Attempt(self._means, records, facts)
            self._begin(attempt, asyncio.create_task(attempt.go_on(), name=f"adopted {attempt.id}"))

    def _begin(self, attempt: Attempt, task: asyncio.Task[None]) -> None:
        self._attempts[attempt] = task
        self._renewals.add(attempt.hold)
        task.add_done_callback(lambda done: self._over(attempt, done))

    def _over(self, attempt: Attempt, done: asyncio.Task[None]) -> None:
        self._renewals.drop(attempt.hold)
        self._attempts.pop(attempt, None)
        self._claiming.room.set()
        if not done.cancelled() and (error := done.exception()) is not None:
            log("attempt_crashed", job=attempt.id, detail=f"{type(error).__name__}: {error}")
            if not attempt.was_given_up:
                self._begin(
                    attempt, asyncio.create_task(attempt.give_up(error), name=f"given up {attempt.id}")
                )

    async def _finish(self, hurrying: asyncio.Event) -> None:
        """Let sessions finish within the grace, then hand back what still runs; all are over when this returns."""
        if not self._attempts:
            return
        hurry = asyncio.create_task(hurrying.wait(), name="hurry")
        all_over = asyncio.create_task(_all(list(self._attempts.values())), name="all over")
        grace = self._config.shutdown_grace_seconds
        await asyncio.wait([hurry, all_over], timeout=grace, return_when=asyncio.FIRST_COMPLETED)
        hurry.cancel()
        all_over.cancel()
        for attempt in list(self._attempts):
            attempt.interrupt(Why.SHUTDOWN, "the worker was stopped")
        await self._hand_back()
        for task in list(self._attempts.values()):
            task.cancel()
        if self._attempts:
            await asyncio.wait(list(self._attempts.values()))

    async def _hand_back(self) -> None:
        """Wait for the sweeps; what then only waits for a server that is away is left to the next supervisor."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + self._config.stop_seconds - self._config.shutdown_grace_seconds
        reporting_since = clock()
        while self._attempts and clock() < min(deadline, reporting_since + LAST_REPORTS_SECONDS):
            await asyncio.wait(list(self._attempts.values()), timeout=LOOK_SECONDS)
            if not all(attempt.is_reporting for attempt in self._attempts):
                reporting_since = clock()

    def _events(self, loop: asyncio.AbstractEventLoop) -> RenewalEvents:
        """Give what the renewing thread calls: each only wakes the event loop."""

        def on_loop(act: Callable[[LeaseHold], None]) -> Callable[[LeaseHold], None]:
            return lambda hold: _call(loop, act, hold)

        return RenewalEvents(
            on_lost=on_loop(self._lost),
            on_cancel=on_loop(self._cancel),
            on_unconfirmed=on_loop(self._unconfirmed),
            on_outage=lambda detail: _call(loop, self._outage, detail),
            on_requests=lambda asked: _call(loop, self._requested, asked),
        )

    def _lost(self, hold: LeaseHold) -> None:
        if (attempt := self._holder(hold)) is not None:
            self._aside(self._find_out(attempt))

    def _aside(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)

    async def _give_back(self, job: dict[str, Any], reason: str) -> None:
        body = {"reason": reason, "cause": AttemptCause.INFRASTRUCTURE.value}
        try:
            await self._link.on_job(job["id"], "fail", body, job["lease_token"])
        except (ServerUnreachable, Refused) as error:
            log("report_rejected", job=job["id"], detail=error.message)

    async def _find_out(self, attempt: Attempt) -> None:
        if await attempt.lease_is_gone():
            self._renewals.drop(attempt.hold)

    def _cancel(self, hold: LeaseHold) -> None:
        if (attempt := self._holder(hold)) is not None:
            attempt.interrupt(Why.CANCELLED, "cancelled as asked")

    def _unconfirmed(self, hold: LeaseHold) -> None:
        if (attempt := self._holder(hold)) is not None and not attempt.is_reporting:
            attempt.interrupt(
                Why.UNCONFIRMED, "renewals stayed unconfirmed past the lease: the server is away"
            )

    def _requested(self, asked: list[dict[str, Any]]) -> None:
        self._requests.take(asked, list(self._attempts))

    def _outage(self, detail: str | None) -> None:
        if detail is not None and not self._is_away:
            log("renewal_failed", detail=detail)
        elif detail is None and self._is_away:
            log("server_back")
        self._is_away = detail is not None

    def _holder(self, hold: LeaseHold) -> Attempt | None:
        return next((attempt for attempt in self._attempts if attempt.hold is hold), None)


async def _all(tasks: list[asyncio.Task[None]]) -> None:
    await asyncio.wait(tasks)


def _call(loop: asyncio.AbstractEventLoop, act: Callable[[Any], None], argument: object) -> None:
    with suppress(RuntimeError):  # the loop is closed: there is nobody left to tell
        loop.call_soon_threadsafe(act, argument)
