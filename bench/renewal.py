"""One renewal of 2,000 leases: its statements, its time, and how much of it is HOT."""

from __future__ import annotations

import time
from dataclasses import dataclass

import asyncpg

from bench.drain import LANE
from bench.peers import Watchkeeper, enqueue_all, sql
from bench.plan import Bench, Row, Spread
from bench.product import KIND
from watchkeeper.domain.leases import RUNTIME_LEASE_SECONDS, SESSION_LEASE_SECONDS
from watchkeeper.storage import jobs as store
from watchkeeper.storage.database import Connection, DatabaseConfig, connect
from watchkeeper.storage.jobs import HeldLease

LEASES = 2_000
MOST_MS = 50.0
RENEWALS = 20


@dataclass(frozen=True, slots=True)
class Counters:
    """The server's counters: of the lease table, and of the statements of one session."""

    updated: int
    hot: int
    statements: int

    def since(self, before: Counters) -> Counters:
        return Counters(
            self.updated - before.updated, self.hot - before.hot, self.statements - before.statements
        )


async def measure(bench: Bench) -> list[Row]:
    """Renew all leases of one worker again and again, on a connection that commits each statement."""
    ours = Watchkeeper()
    async with bench.server.database() as url:
        async with ours.lane(url, LANE) as lane:
            await enqueue_all(lane, LEASES)
        connection = await connect(DatabaseConfig(url))
        leases = await _claim_all(connection)
        await store.renew(connection, LANE, leases)
        before = await _counters(connection, url)
        times = [await _renewal(connection, leases) for _ in range(RENEWALS)]
        counted = (await _counters(connection, url)).since(before)
        await connection.close()
    return [_row(Spread.of(times), counted)]


async def _claim_all(connection: Connection) -> list[HeldLease]:
    request = store.ClaimRequest(
        LANE, "bench-worker", [KIND], LEASES, "runtime", SESSION_LEASE_SECONDS, RUNTIME_LEASE_SECONDS
    )
    async with connection.transaction():
        jobs = await store.claim(connection, request)
    assert len(jobs) == LEASES
    return [HeldLease(job.seq, job.token.epoch, job.token.secret_hash) for job in jobs]


async def _renewal(connection: Connection, leases: list[HeldLease]) -> float:
    begun = time.perf_counter()
    renewed = await store.renew(connection, LANE, leases)
    assert len(renewed) == LEASES
    return (time.perf_counter() - begun) * 1000


async def _counters(renewing: Connection, url: str) -> Counters:
    # A session keeps its counts to itself for up to a second unless it is asked for them.
    await renewing.execute("SELECT pg_stat_force_next_flush()")
    cursor = await renewing.execute(sql("session_statements"))
    statements = await cursor.fetchone()
    assert statements is not None
    looker = await asyncpg.connect(url)
    row = await looker.fetchrow(sql("lease_counters"))
    await looker.close()
    return Counters(row["updated"], row["hot"], statements["executed"])


def _row(found: Spread, counted: Counters) -> Row:
    renewed = RENEWALS * LEASES
    hot = counted.hot / max(1, counted.updated)
    statements = counted.statements / RENEWALS
    return Row(
        what=f"one renewal of {LEASES:,} leases",
        required=f"one statement, 100 % HOT, <= {MOST_MS:g} ms",
        reached=f"{statements:g} statement, {hot:.1%} HOT, {found.text(1, ' ms')}",
        ok=statements == 1 and counted.hot == counted.updated == renewed and found.median <= MOST_MS,
        figures={"ms": found.json(), "hot": hot, "updated": counted.updated, "statements": statements},
    )
