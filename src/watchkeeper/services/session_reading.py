"""Agent sessions as people read them: lists, one with what bounds it, and its events as they come."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from watchkeeper.domain.errors import NotFound
from watchkeeper.domain.policies import Policy
from watchkeeper.domain.redaction import Redactor
from watchkeeper.domain.sessions.clocks import clocks_of
from watchkeeper.domain.sessions.lanes import OF_LANES
from watchkeeper.domain.sessions.limits import SessionLimits
from watchkeeper.services.holding import id_of_job
from watchkeeper.storage.database import Connection, Database, Row, fetch_one

UNHEARD_SECONDS = 180.0
"""A supervisor tells of a live session once a minute at least: after three it is not known how the session fares."""

LOOK_SECONDS = 0.5
MAX_WAIT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class SessionFilter:
    """Which sessions; what is None does not count."""

    job: str | None = None
    worker_id: str | None = None
    live: bool | None = None


KINDS = ("say", "tool", "error", "contract", "state")
"""What a line of a transcript may be: words of the agent, tool calls, trouble, contract and lease, the rest."""

MOST_SCANNED = 5_000
"""So many events are looked through for one page of a search; the next page goes on where this one ended."""


MOST_OF_LANES = 2_000
"""Lanes are drawn from so many of the newest events: they are made anew with every change of a live session."""


@dataclass(frozen=True, slots=True)
class LinesAsked:
    """Which events: the newest `limit` between two numbers; of some kinds, or with a text in them."""

    limit: int = 1_000
    before: int | None = None
    after: int = 0
    kinds: tuple[str, ...] | None = None
    find: str | None = None


@dataclass(frozen=True, slots=True)
class Lines:
    """Events in order; `earlier` is the number before which the next page begins, None where there is none."""

    events: list[Row]
    earlier: int | None


class SessionReading:
    """Reads of one database's agent sessions; every list is bounded."""

    def __init__(self, database: Database, redactor: Redactor, policy: Callable[[], Policy]) -> None:
        self._database = database
        self._policy = policy
        self._redactor = redactor

    async def page(
        self, project_id: str, only: SessionFilter, *, before: UUID | None = None, limit: int = 100
    ) -> tuple[list[Row], UUID | None]:
        """Give a page of sessions, the newest first, and the cursor of the next page (None at the end).

        Raises JobNotFound for a foreign id of a job that is not there.
        """
        asked = {
            "project_id": project_id,
            "before": before,
            "job_id": await id_of_job(self._database, project_id, only.job),
            "worker_id": only.worker_id,
            "live": only.live,
            "unheard_seconds": UNHEARD_SECONDS,
            "limit": limit + 1,
        }
        rows = await self._database.fetch("list_sessions", asked)
        return rows[:limit], rows[limit - 1]["id"] if len(rows) > limit else None

    async def show(self, project_id: str, session_id: UUID) -> dict[str, Any]:
        """Give one session with all that is known of it; raise NotFound."""
        asked = {"project_id": project_id, "id": session_id, "unheard_seconds": UNHEARD_SECONDS}
        row = await self._database.fetch_one("show_session", asked)
        if row is None:
            raise NotFound(f"there is no session {session_id} here")
        return with_clocks(row, self._policy().sessions)

    async def lines(self, project_id: str, session_id: UUID, asked: LinesAsked) -> Lines:
        """Give the newest events of a session that are asked for, in order; texts are as they were written down."""
        filtered = asked.kinds is not None or asked.find is not None
        rows = await self._database.fetch(
            "session_lines",
            {
                "project_id": project_id,
                "id": session_id,
                "before": asked.before,
                "after": asked.after,
                "kinds": None if asked.kinds is None else list(asked.kinds),
                "find": asked.find,
                "limit": asked.limit,
                "scan": MOST_SCANNED if filtered else asked.limit,
            },
        )
        events = [row for row in rows if row["number"] is not None]
        least = rows[0]["least"] if rows else None
        if len(events) == asked.limit:
            least = events[0]["number"]
        return Lines(events, least if least is not None and least > max(1, asked.after + 1) else None)

    async def lanes(self, project_id: str, session_id: UUID) -> list[Row]:
        """Give the events that a session's lanes are made of, the newest, in order."""
        asked = {"project_id": project_id, "id": session_id, "scan": MOST_OF_LANES, "events": list(OF_LANES)}
        return await self._database.fetch("session_lanes", asked)

    async def events(
        self,
        project_id: str,
        session_id: UUID,
        *,
        after: int,
        limit: int,
        wait_seconds: float,
        is_gone: Callable[[], Awaitable[bool]],
    ) -> dict[str, Any]:
        """Give a session's events after a number, waiting for some while it lives; raise NotFound.

        `is_gone` says that nobody waits any more.
        """
        clock = asyncio.get_running_loop().time
        deadline = clock() + wait_seconds
        me = {"project_id": project_id, "id": session_id}
        while True:
            # Before the events: what an end was told after is read below.
            state = await self._database.fetch_one("session_state", me)
            if state is None:
                raise NotFound(f"there is no session {session_id} here")
            rows = await self._database.fetch("session_events_after", {**me, "after": after, "limit": limit})
            if rows or state["ended"] or clock() >= deadline or await is_gone():
                cursor = rows[-1]["number"] if rows else after
                for row in rows:  # a secret that became known since it was written down
                    row["fields"] = self._redactor.redact_data(row["fields"])
                return {
                    "events": rows,
                    "next_after": cursor,
                    "ended": state["ended"] and len(rows) < limit,
                }
            await asyncio.sleep(min(LOOK_SECONDS, max(0.0, deadline - clock())))


def with_clocks(session: Row, limits: SessionLimits) -> dict[str, Any]:
    """Give a session with its clocks, and what it may still use."""
    clocks = [asdict(clock) for clock in clocks_of(session, limits)]
    return {**session, "clocks": clocks, "budget": _budget(session)}


async def session_of_job(
    connection: Connection, project_id: str, job_id: UUID, limits: SessionLimits
) -> dict[str, Any] | None:
    """Give the newest session of a job; None where it has none."""
    asked = {"project_id": project_id, "job_id": job_id, "unheard_seconds": UNHEARD_SECONDS}
    of_all = {**asked, "before": None, "worker_id": None, "live": None, "limit": 1}
    found = await fetch_one(connection, "list_sessions", of_all)
    row = found and await fetch_one(connection, "show_session", {**asked, "id": found["id"]})
    return None if row is None else with_clocks(row, limits)


def _budget(session: Row) -> dict[str, Any]:
    """Say what a session may still use of what its job's kind allows; None where nothing bounds it."""
    tokens, cost = session["tokens_limit"], session["cost_limit"]
    return {
        "tokens_left": None if tokens is None else tokens - (session["tokens_used"] or 0),
        "cost_left": None if cost is None else cost - (session["cost"] or 0),
    }
