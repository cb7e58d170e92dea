"""The fault matrix: each fault on a fresh fleet at work, and what became of leases and jobs."""

from __future__ import annotations

import asyncio
import os
import platform
import statistics
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg.rows import dict_row

from soak.faults import Fault
from soak.fleet import JOB_SECONDS, PROJECT, Fleet, fleet
from soak.handlers import KIND, LEASE_SECONDS
from soak.places import Place
from soak.simulation import Outcome
from soak.world import statement
from watchkeeper.domain.errors import DatabaseUnavailable

JOBS = 400
MOST_SECONDS = 180.0
PAGE = """# Fault matrix

Written by `make soak` on {date:%Y-%m-%d}, {where}.

Three workers with four slots each work off {jobs} jobs of {seconds:g} s under leases of {lease} s while the fault
befalls them. A rescue is the begin of the next attempt after a job's first lost lease; later ones wait for their
back-off. A lease that was lost by a worker that the fault did not touch is a false rescue.

| fault | leases lost | rescued after the lease's end, p50 / p99 | false rescues | double completions | lost jobs |
|---|---|---|---|---|---|"""

SIMULATION = """
## Simulation

Agents that work, lie, die and are interrupted, in an order that a seed makes: `python -m soak --only simulation
--seed SEED --runs RUNS` plays the same again. Classified are jobs that stand still to which `why` gives a class and a
repair; under 80 % the run fails.

| seed | runs | jobs by state | false green | lost | double | classified |
|---|---|---|---|---|---|---|"""

LEFT = (
    "SELECT count(*) AS n FROM watchkeeper.jobs WHERE project_id = %s AND kind = %s AND state <> 'completed'"
)


@dataclass(frozen=True, slots=True)
class Found:
    """What one fault came to. Times in seconds, from a lease's end to the begin of the next attempt."""

    fault: str
    jobs: int
    lost_leases: int
    false_rescues: int
    rescue_p50: float | None
    rescue_p99: float | None
    double: int
    lost: int

    @property
    def is_whole(self) -> bool:
        return not (self.false_rescues or self.double or self.lost)


async def befall(fault: Fault, place: Place) -> Found:
    """Let one fault befall a fleet with work to do; wait until all of it is done."""
    async with fleet(place) as crew:
        if fault.before is not None:
            await fault.before(crew)
        await crew.enqueue(JOBS)
        await asyncio.sleep(1.0)
        await fault.befall(crew)
        await _done(crew)
        return await _found(fault, crew)


async def _done(crew: Fleet) -> None:
    """Wait until every job is completed, or long enough to say that some never will be."""
    deadline = time.monotonic() + MOST_SECONDS
    while time.monotonic() < deadline:
        try:
            async with crew.app.database.statement() as connection:
                cursor = await connection.execute(LEFT, [PROJECT, KIND])
                row: Any = await cursor.fetchone()
        except DatabaseUnavailable:
            continue
        if not row["n"]:
            return
        await asyncio.sleep(0.2)


async def _found(fault: Fault, crew: Fleet) -> Found:
    async with await psycopg.AsyncConnection.connect(crew.admin_url, row_factory=dict_row) as connection:
        rescues = await (await connection.execute(_text("rescues"), {"project_id": PROJECT})).fetchall()
        balance = await (await connection.execute(_text("balance"), {"project_id": PROJECT})).fetchone()
        left = await (await connection.execute(LEFT.encode(), [PROJECT, KIND])).fetchone()
    assert balance is not None
    assert left is not None
    seconds = sorted(row["seconds"] for row in rescues if row["seconds"] is not None)
    return Found(
        fault.name,
        JOBS,
        len(rescues),
        sum(row["worker_id"] not in crew.disturbed for row in rescues),
        statistics.median(seconds) if seconds else None,
        seconds[min(len(seconds) - 1, int(len(seconds) * 0.99))] if seconds else None,
        balance["completions"] - balance["completed"],
        balance["accepted"] - balance["standing"] + left["n"],
    )


def _text(name: str) -> bytes:
    return statement(name).encode()


def page(found: list[Found], simulated: Outcome | None = None) -> str:
    """Give the page of the matrix, docs/fault-matrix.md, with the simulation where it ran as well."""
    where = (
        f"{os.cpu_count()}-core {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    )
    lines = [
        PAGE.format(date=datetime.now(UTC), where=where, jobs=JOBS, seconds=JOB_SECONDS, lease=LEASE_SECONDS)
    ]
    for row in found:
        times = "-" if row.rescue_p50 is None else f"{row.rescue_p50:.2f} s / {row.rescue_p99:.2f} s"
        lines.append(
            f"| {row.fault} | {row.lost_leases} | {times} | {row.false_rescues} | {row.double} | {row.lost} |"
        )
    lines += ["", "The failover of a replicated pair is a test of its own, `tests/e2e/test_failover.py`."]
    if simulated is not None:
        states = ", ".join(f"{count:,} {state}" for state, count in sorted(simulated.states.items()))
        broken = " | ".join(str(simulated.broken(promise)) for promise in ("false green", "lost", "double"))
        classified = f"{simulated.classified:,} of {simulated.standing_still:,}"
        row = f"| {simulated.seed} | {simulated.runs:,} | {states} | {broken} | {classified} |"
        lines += [SIMULATION, row]
    return "\n".join(lines) + "\n"
