"""The contract's commands that bring jobs and keep them: claim and renew.

A contract worker (profile `session`) holds one job at a time; a runtime worker as many as the slots it registered.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from watchkeeper.domain.claims import MAX_CLAIM_SECONDS, MAX_CLAIMED_AT_ONCE, ClaimedJob
from watchkeeper.domain.errors import MultiplePrimaryJobs, StaleLease, UsageError, WorkerStopped
from watchkeeper.domain.findings import Finding
from watchkeeper.domain.leases import LeaseToken
from watchkeeper.domain.policies import Policy
from watchkeeper.domain.rules.names import RuleName
from watchkeeper.services.attendance import see
from watchkeeper.services.holding import Claim
from watchkeeper.services.incident_record import record_finding
from watchkeeper.services.live import Wakeups
from watchkeeper.services.operations import as_uuid
from watchkeeper.services.queue import Queue
from watchkeeper.services.redelivery import redeliver, unheard
from watchkeeper.services.replay import told_end
from watchkeeper.services.requests import session_requests
from watchkeeper.storage import jobs as store
from watchkeeper.storage.database import Connection, Database, Row, fetch, fetch_one, fetch_row
from watchkeeper.storage.jobs import HeldLease

MAX_TOLD_ENDS = 100
POLL_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class ClaimAsked:
    """A claim as it is asked for; `kinds` None takes any.

    `held` are the jobs that a runtime worker knows it holds: an unused lease of another one is handed out again, since
    the answer that carried it was lost. None is a worker that does not say.
    """

    worker_id: str
    kinds: Sequence[str] | None = None
    wait_seconds: float = 0.0
    limit: int = 1
    held: Sequence[str] | None = None


async def _stays() -> bool:
    return False


class Claims:
    """How workers come to their jobs and keep them."""

    def __init__(
        self, database: Database, queue: Queue, wakeups: Wakeups, policy: Callable[[], Policy] = Policy
    ) -> None:
        self._database = database
        self._queue = queue
        self._wakeups = wakeups
        self._policy = policy

    async def claim(
        self, project_id: str, asked: ClaimAsked, is_gone: Callable[[], Awaitable[bool]] = _stays
    ) -> dict[str, Any]:
        """Hand out jobs, waiting for them up to `wait_seconds`; `is_gone` says that nobody waits any more.

        Raises WorkerStopped, and MultiplePrimaryJobs for a contract worker that already used the lease of another job.
        """
        if not 1 <= asked.limit <= MAX_CLAIMED_AT_ONCE:
            raise UsageError(f"limit is {asked.limit}; it is from 1 to {MAX_CLAIMED_AT_ONCE}")
        if not 0 <= asked.wait_seconds <= MAX_CLAIM_SECONDS:
            raise UsageError(f"wait_seconds is {asked.wait_seconds:g}; it is from 0 to {MAX_CLAIM_SECONDS}")
        jobs = await self._claim_or_wait(project_id, asked, is_gone)
        declined = [] if jobs else await self.declined(project_id, asked.kinds)
        noted = await self._database.fetch_one(
            "note_claim",
            {
                "project_id": project_id,
                "worker_id": asked.worker_id,
                "found": bool(jobs),
                "job_id": as_uuid(jobs[0].id) if jobs else None,
                "declined": json.dumps(declined),
            },
        )
        answer = {"jobs": jobs, "no_job_count": noted["no_job_count"] if noted else 0, "declined": declined}
        if not jobs:
            async with self._database.transaction() as connection:
                answer["session_requests"] = await session_requests(connection, project_id, asked.worker_id)
        return answer

    async def _claim_or_wait(
        self, project_id: str, asked: ClaimAsked, is_gone: Callable[[], Awaitable[bool]]
    ) -> list[ClaimedJob]:
        clock = asyncio.get_running_loop().time
        deadline = clock() + asked.wait_seconds
        me = {"project_id": project_id, "worker_id": asked.worker_id}
        asleep = False
        with self._wakeups.expect(project_id) as woken:
            try:
                while not (jobs := await self._claim_once(project_id, asked)):
                    if (left := deadline - clock()) <= 0 or await is_gone():
                        break
                    if not asleep:
                        # Once more after falling asleep: who enqueued just before has woken nobody.
                        kinds = None if asked.kinds is None else list(asked.kinds)
                        await self._database.fetch("fall_asleep", {**me, "kinds": kinds})
                        asleep = True
                        continue
                    await woken.wait(min(left, POLL_SECONDS))
                    if await is_gone():
                        break
            finally:
                if asleep:
                    await self._database.fetch("wake_up", me)
        return jobs

    async def declined(self, project_id: str, kinds: Sequence[str] | None) -> list[dict[str, Any]]:
        """Say of waiting jobs why they wait: the first twenty."""
        rows = await self._database.fetch(
            "waiting_jobs",
            {
                "project_id": project_id,
                "kinds": None if kinds is None else list(kinds),
                "seq": None,
                "limit": 20,
            },
        )
        return [{"job": str(row["id"]), "reason": row["reason"]} for row in rows if row["reason"]]

    async def _claim_once(self, project_id: str, asked: ClaimAsked) -> list[ClaimedJob]:
        async with self._database.transaction() as connection:
            worker = await see(connection, project_id, asked.worker_id, asked.kinds)
            if worker["stopped"]:
                raise WorkerStopped(
                    f"this worker was stopped: {worker['stop_reason'] or 'no reason was given'}"
                )
            if worker["profile"] == "runtime":
                return await self._claim_runtime(connection, project_id, asked, worker)
            held = await fetch(
                connection, "session_leases", {"project_id": project_id, "worker_id": asked.worker_id}
            )
            if not held:
                return await self._queue.claim(
                    project_id,
                    asked.worker_id,
                    asked.kinds,
                    limit=1,
                    profile="session",
                    connection=connection,
                )
            row = held[0]
            if not row.pop("used"):
                return await redeliver(connection, project_id, asked.worker_id, row)
            await self._refuse_second(connection, project_id, asked, row)
        # After the commit: the refusal must not undo what it reports.
        raise MultiplePrimaryJobs(job=row["id"])

    async def _refuse_second(
        self, connection: Connection, project_id: str, asked: ClaimAsked, held: Row
    ) -> None:
        """Record that a worker asked for a second job; the rule stops it, as far as the policy acts."""
        clock = await fetch_row(connection, "clock", {})
        finding = Finding(
            project_id,
            RuleName.MULTIPLE_PRIMARY_JOBS,
            (asked.worker_id,),
            clock["now"],
            "second_claim",
            {"held_job": str(held["id"]), "kinds": None if asked.kinds is None else list(asked.kinds)},
            f"job:{held['id']}",
            UUID(held["id"]),
            asked.worker_id,
            held["kind"],
        )
        recorded = await record_finding(connection, finding, self._policy())
        me = {"project_id": project_id, "worker_id": asked.worker_id, "job_id": held["id"]}
        incident = recorded.id if recorded is not None else None
        await fetch(connection, "audit_refused_claim", {**me, "incident_id": incident})

    async def _claim_runtime(
        self, connection: Connection, project_id: str, asked: ClaimAsked, worker: Row
    ) -> list[ClaimedJob]:
        held = await fetch_one(
            connection, "worker_leases", {"project_id": project_id, "worker_id": asked.worker_id}
        )
        if held and held["held"] and asked.held is not None:
            known = [found for job in asked.held if (found := as_uuid(job))]
            again = await unheard(
                connection, project_id, asked.worker_id, held=known, kinds=None, limit=asked.limit
            )
            if again:
                return again
        room = worker["slots"] - (held["held"] if held else 0)
        if room <= 0:
            return []
        return await self._queue.claim(
            project_id,
            asked.worker_id,
            asked.kinds,
            limit=min(asked.limit, room),
            profile="runtime",
            connection=connection,
        )

    async def renew(
        self, project_id: str, worker_id: str, leases: Sequence[tuple[str, str]]
    ) -> dict[str, Any]:
        """Renew leases, given as (job id, lease token), in one statement; name the lost ones and the wishes."""
        held: dict[str, HeldLease] = {}
        async with self._database.transaction() as connection:
            seqs = await fetch(
                connection,
                "job_seqs",
                {"project_id": project_id, "ids": [found for job, _ in leases if (found := as_uuid(job))]},
            )
            by_id = {str(row["id"]): row["seq"] for row in seqs}
            for job, text in leases:
                try:
                    token = LeaseToken.parse(text)
                except StaleLease:
                    continue
                if job in by_id:
                    held[job] = HeldLease(by_id[job], token.epoch, token.secret_hash)
            # The worker's row before its leases, as a claim takes them: otherwise the two could wait for each other.
            worker = await see(connection, project_id, worker_id, None)
            rows = await store.renew(connection, project_id, list(held.values()))
            asked = await session_requests(connection, project_id, worker_id)
        renewed = {row["seq"]: row for row in rows}
        kept = {job: renewed[lease.seq] for job, lease in held.items() if lease.seq in renewed}
        return {
            "renewed": [
                {
                    "job": job,
                    "lease_expires_at": row["expires_at"],
                    "progress_age_seconds": row["progress_age_seconds"],
                }
                for job, row in kept.items()
            ],
            "lost": [job for job, _ in leases if job not in kept],
            "ended": await self._told_ends(project_id, {job: held[job] for job in held if job not in kept}),
            "cancel_requested": [job for job, row in kept.items() if row["cancel_requested"]],
            "touch_requested": worker["touch_requested"],
            "session_requests": asked,
        }

    async def _told_ends(self, project_id: str, lost: dict[str, HeldLease]) -> dict[str, str]:
        """Give, of lost leases, the ends that were told under them: an agent may end its job by its own token."""
        ends = {
            job: await told_end(
                self._database, project_id, Claim(job, lease.seq, "", lease.epoch, lease.token_hash)
            )
            for job, lease in list(lost.items())[:MAX_TOLD_ENDS]
        }
        return {job: end for job, end in ends.items() if end is not None}
