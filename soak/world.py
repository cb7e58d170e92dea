"""The simulation's world: a real database and store, a clock that it moves, and what it saw the product answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from soak.works import CONTRACT
from watchkeeper.app.whole import App
from watchkeeper.domain.diagnosis import StuckClass
from watchkeeper.domain.kinds import KindDeclaration
from watchkeeper.domain.principals import Principal, Role
from watchkeeper.services.enqueueing import JobRequest
from watchkeeper.services.holding import Caller
from watchkeeper.services.why import Subject

PROJECT, KIND = "simulation", "report"
LEASE_SECONDS = 20
TICK_SECONDS = 4.0
"""Under the reaper's idea of a gap, so that it never takes the moved clock for an outage."""

ACTOR = "simulation"
_WHO = Principal(UUID(int=7), ACTOR, Role.WORKER, PROJECT)


def statement(name: str) -> str:
    return (resources.files("soak") / "sql" / f"{name}.sql").read_text(encoding="utf-8")


@dataclass(slots=True)
class Seen:
    """What the product answered that must hold in the end; the trace is the same for the same seed."""

    trace: list[str] = field(default_factory=list)
    accepted: dict[str, int] = field(default_factory=dict)
    false_greens: list[str] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    last: str = ""
    """The code of the last refusal."""


class World:
    """One project with one kind of job."""

    def __init__(self, app: App, connection: psycopg.AsyncConnection[Any]) -> None:
        self.app = app
        self._connection = connection
        self.seen = Seen()
        self.numbers: dict[str, int] = {}
        self.runs = 0
        self.is_idle = False

    async def open(self) -> None:
        """Put a clock that moves into the scratch database, and declare the kind."""
        await self._connection.execute(statement("clock").encode())
        await self.app.kinds.ensure_project(PROJECT)
        kind = KindDeclaration.parse(
            {
                "name": KIND,
                "contract": CONTRACT,
                "lease_seconds": LEASE_SECONDS,
                "on_lost": "requeue",
                "max_attempts": 4,
                "max_lost_leases": 4,
            }
        )
        await self.app.kinds.declare(PROJECT, kind, actor=ACTOR)

    async def enqueue(self, count: int) -> None:
        """Add so many jobs, each with a number of its own."""
        numbers = range(len(self.numbers), len(self.numbers) + count)
        requests = [JobRequest(KIND, {"n": number}) for number in numbers]
        made = await self.app.queue.enqueue(PROJECT, requests, actor=ACTOR)
        self.numbers |= {job.id: number for number, job in zip(numbers, made, strict=True)}

    def caller(self, token: str) -> Caller:
        return Caller(_WHO, PROJECT, token)

    def note(self, text: str) -> None:
        self.seen.trace.append(text)

    async def tick(self, seconds: float = TICK_SECONDS) -> None:
        """Let time pass, and the queue's upkeep look."""
        self.is_idle = False
        await self._connection.execute(
            "UPDATE watchkeeper.soak_clock SET shift = shift + make_interval(secs => %s)", [seconds]
        )
        await self.app.maintenance.keep_time()

    async def cut_connections(self) -> None:
        """End every connection of the product's pool, as a failing network or server does."""
        await self._connection.execute(statement("cut_connections").encode())

    async def alive(self) -> int:
        """Count the jobs that wait or run."""
        return int((await self._rows("alive"))[0]["alive"])

    async def facts(self) -> dict[str, Any]:
        """Count where jobs stand, and what the records say of their ends."""
        return (await self._rows("balance"))[0]

    async def jobs(self) -> list[dict[str, Any]]:
        """Give every job with its end, in order."""
        return await self._rows("ends")

    async def is_classified(self, job: str) -> bool:
        """Say whether the watchdog names a class and a repair for a job that stands still."""
        why = await self.app.watchdog.why.why(PROJECT, job, Subject.JOB)
        return why["class"] != StuckClass.UNEXPLAINED and bool(why["suggested_repair"]["action"])

    async def _rows(self, name: str) -> list[dict[str, Any]]:
        async with self._connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(statement(name).encode(), {"project_id": PROJECT})
            return await cursor.fetchall()

    def blobs(self, sha256s: Sequence[str]) -> list[Path]:
        """Give where stored files' bytes are, for an attacker who has the machine; removed ones are nowhere."""
        store = self.app.settings.home / "artifacts"
        return [path for sha256 in sha256s for path in store.rglob(sha256)]
