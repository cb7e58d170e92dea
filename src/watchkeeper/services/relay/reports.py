"""What is told to our server about a guarded helper: kept on disk first, sent in order, and again until it is taken.

The guard does not wait for it: with our server away the helper is guarded all the same.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from watchkeeper.agents.records import read_record
from watchkeeper.domain.errors import ServerUnreachable
from watchkeeper.logs import log
from watchkeeper.services.relay.place import HelperPlace
from watchkeeper.services.supervision.server_link import Json, Refused, ServerLink

MOST_WAITING = 10_000
"""So many reports may wait; with more the newest are not kept, and the log says so."""

AT_ONCE = 100

HEALTH = "/api/watchdog/health"
EVENTS = "/api/watchdog/helper-events"
RUNS = "/api/watchdog/worker-runs"
CHECKS = "/api/watchdog/artifact-checks"
ATTEMPTS = "/api/pls/watchdog/job-attempt"
PROPOSALS = "/api/proposals"
ONE_AT_A_TIME = frozenset({PROPOSALS})


@dataclass
class Reports:
    """The reports through one place. `link` None keeps them until there is a server to tell.

    `wishes` is the answer to the last heartbeat, `requested` what repairs ask of the worker by the last answer of all.
    `leases` has the lease tokens of jobs, which our server asks for at those of its own queue; they are kept nowhere.
    """

    place: HelperPlace
    link: ServerLink | None
    wishes: Json | None = None
    requested: Any = None
    leases: dict[str, str] = field(default_factory=dict)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def close(self) -> None:
        if self.link is not None:
            await self.link.close()

    def keep(self, path: str, *, with_id: bool = True, **facts: Any) -> None:
        """Keep one report, which `deliver` sends; by its id the server keeps it once."""
        body = {name: value for name, value in facts.items() if value is not None}
        if with_id:
            body = {"id": ordered_id()} | body
        if len(self.place.waiting(self.place.reports)) >= MOST_WAITING:
            return log("report_not_kept", path=path, detail=f"{MOST_WAITING} reports wait already")
        try:
            self.place.new_record(self.place.reports, {"path": path, "body": body})
        except OSError as error:
            log("report_not_kept", path=path, detail=str(error))

    def are_told(self, before: float) -> bool:
        """Say whether nothing waits that was kept before a moment (Unix time)."""
        oldest = self.place.waiting(self.place.reports)[:1]
        return not oldest or int(oldest[0].name.partition("-")[0]) >= before * 1e9

    async def deliver(self, seconds: float) -> int:
        """Send what waits, the oldest first, for so long; give how many still wait."""
        async with self._turn:
            await self._deliver(seconds)
        return len(self.place.waiting(self.place.reports))

    async def _deliver(self, seconds: float) -> None:
        until, at_once = time.monotonic() + seconds, AT_ONCE
        while self.link is not None and time.monotonic() < until:
            batch = self._batch(at_once)
            if not batch:
                break
            path, lease, files, bodies = batch
            try:
                sent = bodies if len(bodies) > 1 else bodies[0]
                answer = await self.link.record(path, sent, seconds, lease)
            except ServerUnreachable as error:
                log("report_waits", detail=error.message)
                break
            except Refused as refused:
                if not refused.definite:
                    log("report_waits", detail=refused.message)
                    break
                if len(bodies) > 1:
                    at_once = 1  # only the one that is refused is set aside
                    continue
                log("report_rejected", path=path, detail=refused.message)
                self.place.settle(files[0], refused=True)
                continue
            self._taken(path, files, answer)

    def _batch(self, at_once: int) -> tuple[str, str | None, list[Path], list[Json]] | None:
        """Give the oldest reports that go to the same address under the same lease."""
        files: list[Path] = []
        bodies: list[Json] = []
        address: str = ""
        lease: str | None = None
        for path in self.place.waiting(self.place.reports)[:at_once]:
            record = read_record(path)
            if record is None:
                break
            to = record["path"], self.leases.get(str(record["body"].get("job_id")))
            if address and to != (address, lease):
                break
            address, lease = to
            files.append(path)
            bodies.append(record["body"])
            if address in ONE_AT_A_TIME:
                break
        return (address, lease, files, bodies) if files else None

    def _taken(self, path: str, files: Sequence[Path], answer: Json) -> None:
        recorded = answer.get("recorded")
        last = recorded[-1] if isinstance(recorded, list) and recorded else answer
        if path == HEALTH:
            self.wishes = last
        self.requested = last.get("requested", self.requested)
        for file in files:
            self.place.settle(file, refused=False)


def ordered_id() -> str:
    """Make an id that sorts behind those made here before it (UUIDv7): the server orders reports by their ids."""
    micros = time.time_ns() // 1000
    milliseconds, fraction = divmod(micros, 1000)
    head = (milliseconds & 0xFFFF_FFFF_FFFF) << 16 | 0x7000 | fraction
    return str(UUID(int=head << 64 | 0b10 << 62 | secrets.randbits(62)))


def now() -> str:
    """Give the time as a report tells it; rules do not use it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
