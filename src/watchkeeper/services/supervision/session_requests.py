"""What the server asks of this supervisor's sessions: to interrupt a turn, or to sweep once more after an end."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from watchkeeper.agents.session import Session
from watchkeeper.agents.sweep import SweepReport
from watchkeeper.logs import log
from watchkeeper.services.supervision.records import AttemptRecords, attempts_in
from watchkeeper.services.supervision.seams import SessionRecords

REMEMBERED = 1_000
"""A request comes again until its effect was told; so many are known to have been taken in."""

SHARED = "shared daemon"


class Interruptible(Protocol):
    """An attempt in this supervisor's hands."""

    @property
    def id(self) -> str: ...

    @property
    def epoch(self) -> int: ...

    def asked_to_interrupt(self, *, insists: bool) -> None: ...


class SessionRequests:
    """Takes requests in, each once. A session that is well is not interrupted unless a person insists."""

    def __init__(self, places: Sequence[Path], records: SessionRecords) -> None:
        self._places = places
        self._records = records
        self._known: deque[str] = deque(maxlen=REMEMBERED)
        self._sweeping: set[asyncio.Task[None]] = set()

    def take(self, asked: Iterable[Mapping[str, Any]], attempts: Iterable[Interruptible]) -> None:
        """Act on what is asked now; on the event loop."""
        held = {(attempt.id, attempt.epoch): attempt for attempt in attempts}
        for request in asked:
            if request["repair"] in self._known:
                continue
            self._known.append(request["repair"])
            attempt = held.get((str(request["job"]), int(request["epoch"])))
            log("session_requested", job=request["job"], action=request["action"], insists=request["insists"])
            if request["action"] == "interrupt_session" and attempt is not None:
                attempt.asked_to_interrupt(insists=bool(request["insists"]))
            elif request["action"] == "sweep_session" and attempt is None:
                task = asyncio.create_task(self._sweep(str(request["job"]), int(request["epoch"])))
                self._sweeping.add(task)
                task.add_done_callback(self._sweeping.discard)

    async def _sweep(self, job: str, epoch: int) -> None:
        """Look once more for what an attempt's sessions left, and tell what is left now."""
        found = await asyncio.to_thread(self._attempt, job, epoch)
        if found is None:
            log("sweep_not_possible", job=job, epoch=epoch)
            return
        records, lease = found
        left: list[dict[str, Any]] = []
        for directory in (*records.earlier_sessions, records.session):
            left += left_of(await asyncio.to_thread(Session.adopt(directory).prove_gone))
        self._records.begin({"id": job}, lease, {}).over({"left": left})

    def _attempt(self, job: str, epoch: int) -> tuple[AttemptRecords, str] | None:
        """Find an attempt's records while they are kept, and its lease, by which its end may still be told of."""
        for records in (records for place in self._places for records in attempts_in(place)):
            facts = records.lease()
            if facts is not None and (facts["job"]["id"], facts["job"]["epoch"]) == (job, epoch):
                return (records, str(facts["lease"])) if records.session.is_dir() else None
        return None


def left_of(report: SweepReport) -> list[dict[str, Any]]:
    """Give the processes that a sweep left: its own that did not end, and those that it could not prove."""
    unproven = [one for one in report.reported if one.get("why") != SHARED]
    return [
        {"pid": one["pid"], "command": one.get("name", ""), "why": one.get("why", "")}
        for one in (*report.left, *unproven)
    ]
