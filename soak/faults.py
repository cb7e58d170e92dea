"""The faults of the matrix: each befalls a fleet at work. What it touches it names, so that other losses are false."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import psycopg

from soak.fleet import PROJECT, Fleet
from soak.handlers import HELD_KIND, LEASE_SECONDS
from watchkeeper.domain.kinds import KindDeclaration
from watchkeeper.services.enqueueing import JobRequest

TIMES = 5
CLAIM_BATCH = 500
KICK = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
)


@dataclass(frozen=True, slots=True)
class Fault:
    """What befalls the fleet; `before` readies it while nothing works yet."""

    name: str
    befall: Callable[[Fleet], Awaitable[None]]
    before: Callable[[Fleet], Awaitable[None]] | None = None


async def _killed(fleet: Fleet) -> None:
    for _ in range(TIMES):
        name = next(iter(fleet.workers))
        fleet.signal(name, signal.SIGKILL)
        fleet.workers.pop(name).wait()
        fleet.hire()
        await asyncio.sleep(LEASE_SECONDS + 1)


async def _suspended(fleet: Fleet) -> None:
    for name in list(fleet.workers)[:2]:
        fleet.signal(name, signal.SIGSTOP)
        await asyncio.sleep(2 * LEASE_SECONDS)
        fleet.signal(name, signal.SIGCONT)


async def _kicked(fleet: Fleet) -> None:
    for _ in range(3 * TIMES):
        fleet.execute(KICK)
        await asyncio.sleep(0.5)


async def _cut(fleet: Fleet) -> None:
    """The network of all workers but one: they must stop by their own clocks, and the one takes what they held."""
    fleet.disturbed |= set(fleet.workers)
    fleet.hire(directly=True)
    await asyncio.sleep(2.0)
    fleet.network.cut()
    await asyncio.sleep(3 * LEASE_SECONDS)
    fleet.network.mend()


async def _away(fleet: Fleet) -> None:
    """The database, for twice the lease, for everybody: nobody may be rescued who lives."""
    name = psycopg.conninfo.conninfo_to_dict(fleet.admin_url)["dbname"]
    elsewhere = psycopg.conninfo.make_conninfo(fleet.admin_url, dbname="postgres")
    with psycopg.connect(elsewhere, autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'.encode())
        connection.execute(KICK.encode())
        await asyncio.sleep(2 * LEASE_SECONDS)
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'.encode())


async def _restarted(fleet: Fleet) -> None:
    """The database's server, stopped in the middle and started again."""
    await asyncio.to_thread(fleet.restart)


async def _pinned(fleet: Fleet) -> None:
    """An old snapshot, while workers die: dead rows stay, and everything goes on."""
    async with await psycopg.AsyncConnection.connect(fleet.admin_url) as connection:
        await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
        await connection.execute("SELECT count(*) FROM watchkeeper.job_specs")
        await _killed(fleet)


def _beside(leases: int) -> Callable[[Fleet], Awaitable[None]]:
    async def claimed(fleet: Fleet) -> None:
        kind = KindDeclaration.parse({"name": HELD_KIND, "lease_seconds": 86_400})
        await fleet.app.kinds.declare(PROJECT, kind, actor="soak")
        await fleet.app.queue.enqueue(PROJECT, [JobRequest(HELD_KIND)] * leases, actor="soak")
        for _ in range(leases // CLAIM_BATCH):
            await fleet.app.queue.claim(PROJECT, "holder", [HELD_KIND], limit=CLAIM_BATCH, profile="runtime")

    return claimed


FAULTS = (
    Fault("SIGKILL of a worker, five times", _killed),
    Fault("SIGSTOP of a worker for twice its lease, then SIGCONT, twice", _suspended),
    Fault("all connections ended, fifteen times", _kicked),
    Fault("network of three workers of four cut for three leases", _cut),
    Fault("database away for twice the lease", _away),
    Fault("PostgreSQL stopped at once and started again", _restarted),
    Fault("SIGKILL of workers beside a pinned snapshot", _pinned),
    Fault("SIGKILL of workers beside 1,000 live leases", _killed, _beside(1_000)),
    Fault("SIGKILL of workers beside 10,000 live leases", _killed, _beside(10_000)),
)
