"""Every read that an interface needs: API, console and CLI call this and nothing below."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from watchkeeper.domain.errors import JobNotFound, NotFound, UsageError
from watchkeeper.domain.jobs import JobState
from watchkeeper.domain.policies import Policy
from watchkeeper.services.operations import as_uuid, find_job
from watchkeeper.services.queue_health import counted, queue_health
from watchkeeper.storage.database import Database, Row, fetch, fetch_one

MAX_PAGE = 1000
TIMELINE_ROWS = 1000
MOST_COUNTED = 1_000
"""Jobs that wait are counted up to here: beyond it a reader learns that there are more, at no further cost."""
FEW_WAITING = 20_000
"""Up to so many jobs that wait are put in order for a reader."""


class Insights:
    """Answers about one installation; every list is bounded."""

    def __init__(self, database: Database, gap_seconds: float, policy: Callable[[], Policy] = Policy) -> None:
        """Take for unwatched what no reaper has looked at for `gap_seconds`."""
        self._database = database
        self._policy = policy
        self._reaper = {"gap_seconds": gap_seconds}

    async def projects(
        self, only: str | None, after: str | None = None, limit: int = MAX_PAGE
    ) -> tuple[list[Row], str | None]:
        """Give a page of projects by name with their jobs by state, and the cursor of the next page (None at the end).

        `only` None gives all. `capped` says that there are more pending jobs than were counted.
        """
        arguments = {"project_id": only, "after": after, "limit": limit + 1, "most": MOST_COUNTED}
        rows = await self._database.fetch("project_totals", arguments)
        for row in rows:
            row |= counted(row, "pending", MOST_COUNTED)
        return rows[:limit], rows[limit - 1]["project_id"] if len(rows) > limit else None

    async def jobs(
        self,
        project_id: str,
        *,
        state: str | None = None,
        kind: str | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> tuple[list[Row], int | None]:
        """Give a page of jobs, the newest first, and the cursor of the next page (None at the end)."""
        if not 1 <= limit <= MAX_PAGE:
            raise UsageError(f"limit is {limit}; it is from 1 to {MAX_PAGE}")
        if state is not None and state not in set(JobState):
            raise UsageError(f"unknown state {state!r}; it is one of {', '.join(JobState)}")
        rows = await self._database.fetch(
            await self._list_query(project_id, state),
            {"project_id": project_id, "state": state, "kind": kind, "before": before, "limit": limit + 1},
        )
        more = len(rows) > limit
        return rows[:limit], rows[limit - 1]["seq"] if more else None

    async def _list_query(self, project_id: str, state: str | None) -> str:
        if state != "pending":
            return _list_query(state)
        # Many are found soon among the newest jobs; few would be looked for among all that have ended.
        asked = {"project_id": project_id, "few": FEW_WAITING}
        found = await self._database.fetch_row("few_waiting", asked)
        return "list_waiting_jobs" if found["few"] else "list_jobs"

    async def job_number(self, project_id: str, job: UUID) -> int:
        """Give the number by which jobs are ordered; raise UsageError where the job is not there."""
        row = await self._database.fetch_one("job_seq", {"project_id": project_id, "id": job})
        if row is None:
            raise UsageError(
                "the job at which the page before ended is gone", hint="List from the begin again."
            )
        number: int = row["seq"]
        return number

    async def job(self, project_id: str, job: str) -> dict[str, Any]:
        """Give one job with its attempts and artifacts, and why it waits if it does; raise JobNotFound."""
        return await whole_job(self._database, project_id, job)

    async def timeline(self, project_id: str, job: str) -> list[Row]:
        """Give what is known of a job in order of time: audit rows, phases, checks; raise JobNotFound."""
        async with self._database.transaction() as connection:
            row = await find_job(connection, project_id, job)
            return await fetch(
                connection,
                "job_timeline",
                {"project_id": project_id, "seq": row["seq"], "id": row["id"], "limit": TIMELINE_ROWS},
            )

    async def workers(self, project_id: str, limit: int = 200) -> list[Row]:
        absent = self._policy().absent_seconds
        where = {"project_id": project_id, "worker_id": None, "limit": limit, "absent_seconds": absent}
        return await self._database.fetch("list_workers", where)

    async def workers_page(
        self, project_id: str, *, after: str | None, gone: bool, limit: int
    ) -> tuple[list[Row], str | None]:
        """Give a page of workers by name, and the cursor of the next one (None at the end); with `gone` all of them."""
        where = {"project_id": project_id, "after": after, "gone": gone, "limit": limit + 1}
        absent = {"absent_seconds": self._policy().absent_seconds}
        rows = await self._database.fetch("workers_by_name", where | absent)
        return rows[:limit], rows[limit - 1]["worker_id"] if len(rows) > limit else None

    async def worker(self, project_id: str, worker_id: str) -> Row:
        """Give one worker with its health and what it holds; raise NotFound for an unknown one."""
        absent = self._policy().absent_seconds
        where = {"project_id": project_id, "worker_id": worker_id, "limit": 1, "absent_seconds": absent}
        row = await self._database.fetch_one("list_workers", where)
        if row is None:
            raise NotFound(f"there is no worker {worker_id[:100]!r} in this project")
        return row

    async def leases(self, project_id: str, limit: int = 200) -> list[Row]:
        return await self._database.fetch("list_leases", {"project_id": project_id, "limit": limit})

    async def audit(self, project_id: str, limit: int = 50) -> list[Row]:
        return await self._database.fetch("recent_audit", {"project_id": project_id, "limit": limit})

    async def watch(self) -> Row:
        """Give the database's time, and when a reaper last ticked: silence must be proven."""
        return await self._database.fetch_row("reaper_facts", self._reaper)

    async def standstill(self) -> Row | None:
        """Give the restore that nobody has resumed; None where the database moves."""
        return await self._database.fetch_one("standstill")

    async def outcomes(self, project_id: str) -> Row:
        """Count how the newest 10,000 ended jobs ended."""
        row = await self._database.fetch_one("outcome_totals", {"project_id": project_id})
        return row or {}

    async def queue_health(self, project_id: str) -> dict[str, Any]:
        """Say of each kind what waits, what runs, and why nothing moves where nothing does."""
        return await queue_health(self._database, project_id, most=MOST_COUNTED, **self._reaper)

    async def artifact(self, project_id: str, artifact_id: str) -> Row:
        """Give where an artifact's bytes are; raise JobNotFound for one that is not here."""
        row = None
        if (found := as_uuid(artifact_id)) is not None:
            row = await self._database.fetch_one("find_artifact", {"project_id": project_id, "id": found})
        if row is None:
            raise JobNotFound("there is no such artifact here")
        return row


async def whole_job(database: Database, project_id: str, job: str) -> dict[str, Any]:
    """Give one job with its attempts and artifacts, and why it waits if it does; raise JobNotFound."""
    async with database.transaction() as connection:
        row = await find_job(connection, project_id, job)
        where = {"project_id": project_id, "seq": row["seq"]}
        waiting = await fetch_one(connection, "waiting_jobs", {**where, "kinds": None, "limit": 1})
        row["waiting_reason"] = None if waiting is None else waiting["reason"]
        row["attempts"] = await fetch(connection, "job_attempts", where)
        row["artifacts"] = await fetch(connection, "all_job_artifacts", where)
    return row


def _list_query(state: str | None) -> str:
    match state:
        case None:
            return "list_newest_jobs"
        case "running":
            return "list_running_jobs"
        case "stuck" | "paused":
            return "list_held_jobs"
        case "failed" | "cancelled":
            return "list_unwell_jobs"
    return "list_jobs"
