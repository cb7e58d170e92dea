"""The queue's own upkeep: reaping lost leases, promoting due jobs, firing schedules.

Each duty is safe on many machines at once: it takes rows with SKIP LOCKED and decides again in the statement that acts.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from watchkeeper.domain.attempts import after_lost_lease, ended_by
from watchkeeper.domain.errors import SettingError, UsageError
from watchkeeper.domain.jobs import AttemptCause, JobState, StateReason, jitter_of
from watchkeeper.domain.policies import Policy
from watchkeeper.logs import log
from watchkeeper.services.duties import Duty, Ran
from watchkeeper.services.enqueueing import JobRequest
from watchkeeper.services.queue import Queue
from watchkeeper.storage import jobs as store
from watchkeeper.storage.database import Connection, Database, Row, fetch, fetch_row
from watchkeeper.storage.jobs import EndedAttempt, HeldLease

SOON_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class MaintenanceConfig:
    """`tick_seconds` bounds how late a lease or schedule that is younger than the last look is seen.

    `gap_seconds`: ticks further apart than this, or than half of the shortest lease, mean that nobody watched,
    and begin a quiet time. `worker_silence_seconds` are a runtime worker's; the policy has a contract worker's.
    """

    tick_seconds: float = 1.0
    gap_seconds: float = 15.0
    batch: int = 500
    upkeep_seconds: float = 60.0
    worker_silence_seconds: float = 300.0

    def __post_init__(self) -> None:
        if not 0 < self.tick_seconds < self.gap_seconds / 3:
            raise SettingError("tick_seconds is more than 0 and under a third of gap_seconds")
        if self.batch < 1:
            raise SettingError("batch is at least 1")

    def gaps(self) -> dict[str, float]:
        """Bind what counts as a gap; a tick may come late, so that the least is three of them."""
        return {"gap_seconds": self.gap_seconds, "least_gap_seconds": 3 * self.tick_seconds}


class Maintenance:
    """The duties that keep a queue alive."""

    def __init__(
        self,
        database: Database,
        queue: Queue,
        config: MaintenanceConfig | None = None,
        policy: Callable[[], Policy] = Policy,
    ) -> None:
        self._database = database
        self._queue = queue
        self._policy = policy
        self._config = config or MaintenanceConfig()

    def duties(self) -> list[Duty]:
        return [
            Duty("timekeeping", self.keep_time, self._config.tick_seconds),
            Duty("upkeep", self.upkeep, self._config.upkeep_seconds, when_still=True),
        ]

    async def keep_time(self) -> Ran:
        """Reap, promote and fire what is due; ask to run again at the next deadline."""
        reaped = await self.reap()
        promoted = sum(
            row["promoted"]
            for row in await self._database.fetch("promote_due", {"limit": self._config.batch})
        )
        fired = await self.fire_schedules()
        deadlines = await self._database.fetch_row("next_deadlines")
        ahead = [
            seconds + SOON_SECONDS for seconds in deadlines.values() if seconds is not None and seconds > 0
        ]
        full = self._config.batch in (reaped, promoted)
        next_in = 0.0 if full else min(ahead, default=self._config.tick_seconds)
        return Ran({"reaped": reaped, "promoted": promoted, "fired": fired}, next_in)

    async def reap(self) -> int:
        """End attempts whose leases expired, by their kinds' policies; give how many."""
        async with self._database.transaction() as connection:
            state = await fetch_row(connection, "tick_reaper", self._config.gaps())
            rows = await fetch(
                connection,
                "lock_expired_leases",
                {"quiet_since": state["quiet_since"], "limit": self._config.batch},
            )
            for project_id, group in groupby(rows, key=lambda row: row["project_id"]):
                await self._reap_project(connection, project_id, list(group))
        if rows:
            log("leases_reaped", count=len(rows), first=rows[0]["seq"], kind=rows[0]["kind"])
        return len(rows)

    async def _reap_project(self, connection: Connection, project_id: str, rows: list[Row]) -> None:
        ended = [_reaped(row) for row in rows]
        done = await store.end_attempts(connection, project_id, "system", ended)
        workers = {row["seq"]: row["worker_id"] for row in rows}
        await fetch(
            connection,
            "record_reaping",
            {
                "project_id": project_id,
                "seqs": [row["seq"] for row in done],
                "epochs": [row["epoch"] for row in done],
                "worker_ids": [workers[row["seq"]] for row in done],
                "new_states": [row["state"] for row in done],
                "reasons": ["the lease expired and was not renewed"] * len(done),
            },
        )

    async def fire_schedules(self) -> int:
        """Enqueue one job for each schedule that is due, and give how many; missed times are not made up for."""
        fired = 0
        async with self._database.transaction() as connection:
            for row in await fetch(connection, "lock_due_schedules", {"limit": self._config.batch}):
                next_at = _next_or_never(row)
                if next_at is not None:
                    fired += await self._fire(connection, row)
                where = {"project_id": row["project_id"], "name": row["name"]}
                await fetch(connection, "set_next_schedule", {**where, "next_at": next_at})
        return fired

    async def _fire(self, connection: Connection, row: Row) -> bool:
        """Enqueue a schedule's job; one that is refused waits for its next time and holds up no other."""
        try:
            async with connection.transaction():
                await self._queue.enqueue(
                    row["project_id"],
                    [JobRequest(row["kind"], json.loads(row["payload"]))],
                    actor=f"schedule:{row['name']}",
                    connection=connection,
                )
        except UsageError as error:
            log("schedule_refused", project=row["project_id"], schedule=row["name"], detail=error.message)
            return False
        return True

    async def upkeep(self) -> Ran:
        """Make the audit trail's next partitions, and mark silent workers."""
        partitions = await self._database.fetch("add_audit_partitions")
        gone = await self._database.fetch(
            "mark_gone_workers",
            {
                "silence_seconds": self._config.worker_silence_seconds,
                "session_silence_seconds": self._policy().absent_seconds,
            },
        )
        return Ran({"partitions": sum(row["added"] for row in partitions), "workers_gone": len(gone)})


def _reaped(row: Row) -> EndedAttempt:
    policy = store.policy_of(row)
    lease = HeldLease(row["seq"], row["epoch"], row["token_hash"])
    error = f"the lease of worker {row['worker_id']} expired at {row['expires_at']:%Y-%m-%d %H:%M:%S.%f} UTC"
    if row["cancel_requested"]:
        ending = ended_by(policy, JobState.CANCELLED, AttemptCause.OPERATOR, StateReason.OPERATOR)
        return EndedAttempt(lease, ending, "job_cancelled", error)
    ending = after_lost_lease(policy, jitter_of(row["seq"], row["epoch"]))
    return EndedAttempt(lease, ending, "lease_reaped", error)


def _next_or_never(row: Row) -> Any:
    """Give when a schedule fires next; None where that cannot be told any more: it stops until it is put anew."""
    try:
        return next_time(row["cron"], row["time_zone"], row["now"])
    except (ValueError, OSError, LookupError, StopIteration, CronSimError) as error:
        log("schedule_stopped", project=row["project_id"], schedule=row["name"], detail=str(error))
        return None


def next_time(cron: str, time_zone: str, now: Any) -> Any:
    """Give the first time after `now` that a cron expression names, in its own time zone."""
    return next(CronSim(cron, now.astimezone(ZoneInfo(time_zone))))
