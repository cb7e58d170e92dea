"""What the server asks of this supervisor's sessions: to interrupt a turn, or to sweep once more after an end."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from watchkeeper.agents import records
from watchkeeper.agents.session import Session
from watchkeeper.agents.sweep import SweepReport
from watchkeeper.host.clock import boot_clock
from watchkeeper.host.processes import ProcReader
from watchkeeper.logs import log
from watchkeeper.services.supervision.records import AttemptRecords, attempts_in
from watchkeeper.services.supervision.seams import SessionRecords

REMEMBERED = 1_000
"""A request comes again until its effect was told; so many are known to have been taken in."""

SWEEP_AGAIN_SECONDS = 5.0
"""What nobody could prove may be ended by a person: while something is left, it is looked for again."""

SHARED = "shared daemon"
SWEEP = "sweep_session"


class Interruptible(Protocol):
    """An attempt in this supervisor's hands."""

    @property
    def id(self) -> str: ...

    @property
    def epoch(self) -> int: ...

    def asked_to_interrupt(self, *, insists: bool, reason: str | None) -> None: ...


class SessionRequests:
    """Takes requests in, each once. A session that is well is not interrupted unless a person insists."""

    def __init__(self, places: Sequence[Path], records: SessionRecords) -> None:
        self._places = places
        self._records = records
        self._known: OrderedDict[str, float] = OrderedDict()
        self._sweeping: set[asyncio.Task[None]] = set()

    def take(self, asked: Iterable[Mapping[str, Any]], attempts: Iterable[Interruptible]) -> None:
        """Act on what is asked now; on the event loop."""
        held = {(attempt.id, attempt.epoch): attempt for attempt in attempts}
        for request in asked:
            if not self._is_due(str(request["repair"]), sweeps=request["action"] == SWEEP):
                continue
            attempt = held.get((str(request["job"]), int(request["epoch"])))
            log("session_requested", job=request["job"], action=request["action"], insists=request["insists"])
            if request["action"] == "interrupt_session" and attempt is not None:
                attempt.asked_to_interrupt(insists=bool(request["insists"]), reason=request.get("reason"))
            elif request["action"] == SWEEP and attempt is None:
                task = asyncio.create_task(self._sweep(str(request["job"]), int(request["epoch"])))
                self._sweeping.add(task)
                task.add_done_callback(self._sweeping.discard)

    def _is_due(self, repair: str, *, sweeps: bool) -> bool:
        """Say whether a request is new, or a sweep that was a while ago and is asked for still."""
        before, now = self._known.get(repair), boot_clock()
        if before is not None and not (sweeps and now - before >= SWEEP_AGAIN_SECONDS):
            return False
        self._known[repair] = now
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return True

    async def _sweep(self, job: str, epoch: int) -> None:
        """Look once more for what an attempt's sessions left, and tell what is left now."""
        found = await asyncio.to_thread(self._attempt, job, epoch)
        if found is None:
            log("sweep_not_possible", job=job, epoch=epoch)
            return
        attempt, lease = found
        left: list[dict[str, Any]] = []
        for directory in (*attempt.earlier_sessions, attempt.session):
            left += await asyncio.to_thread(_left_now, directory)
        self._records.begin({"id": job}, lease, {}).over({"left": left})

    def _attempt(self, job: str, epoch: int) -> tuple[AttemptRecords, str] | None:
        """Find an attempt's records while they are kept, and its lease, by which its end may still be told of."""
        for attempt in (attempt for place in self._places for attempt in attempts_in(place)):
            facts = attempt.lease()
            if facts is not None and (facts["job"]["id"], facts["job"]["epoch"]) == (job, epoch):
                return (attempt, str(facts["lease"])) if attempt.session.is_dir() else None
        return None


def _left_now(directory: Path) -> list[dict[str, Any]]:
    """Sweep once more, and give what is left now: a report that is kept may name what has ended since."""
    left, reader = left_of(Session.adopt(directory).prove_gone()), ProcReader()
    session = records.read_record(directory / records.SESSION)
    if session is None or session["boot_id"] != reader.boot_id:
        return []
    table = reader.table()
    return [
        one
        for one in left
        if one["pid"] in table
        and table[one["pid"]].start_ticks == one["start_ticks"]
        and table[one["pid"]].alive
    ]


def left_of(report: SweepReport) -> list[dict[str, Any]]:
    """Give the processes that a sweep left: its own that did not end, and those that it could not prove."""
    unproven = [one for one in report.reported if one.get("why") != SHARED]
    return [{"command": one.get("name", ""), **one} for one in (*report.left, *unproven)]
