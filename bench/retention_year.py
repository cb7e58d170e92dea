"""A year of traffic, a day at a time by a moved clock: does the database stop growing when retention acts?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg

from bench import server
from bench.plan import Bench, Row
from watchkeeper.domain.errors import WatchkeeperError
from watchkeeper.services.artifact_store_disk import DiskArtifactStore
from watchkeeper.services.artifact_sweep_disk import DiskArtifactSweep
from watchkeeper.services.maintenance import Maintenance
from watchkeeper.services.queue import Queue
from watchkeeper.services.retention import FOR_EVER, RETENTION, Retention
from watchkeeper.storage.database import Database, DatabaseConfig
from watchkeeper.storage.migrate import migrate

DAYS = 365
SHOWN = (60, 120, 240, 365)
STEADY_DAY = 120
"""The longest retention, 90 days, has acted for a month."""

MOST = 1.15
PROJECT = "year"
FILES_A_DAY = 5
SMALL_BYTES = 500_000
"""Of a smaller table a few pages decide; it counts in the sum."""

SQL = Path(__file__).parent / "sql"
NEVER = frozenset(kept.table for kept in RETENTION if kept.until.startswith(FOR_EVER))


@dataclass
class Year:
    """One database and one store in simulated time; `bytes` has each table's size on each day."""

    database: Database
    connection: asyncpg.Connection
    store: DiskArtifactStore
    jobs_a_day: int
    bytes: list[dict[str, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._retention = Retention(self.database)
        self._maintenance = Maintenance(self.database, Queue(self.database))
        self._begun = datetime.now(UTC)

    async def one_day(self) -> None:
        """Let a day pass: traffic, then the duties of that day, then what autovacuum would do."""
        await self.connection.execute("UPDATE watchkeeper.bench_clock SET shift = shift + interval '1 day'")
        await self._maintenance.upkeep()
        names = [
            self.store.put(PROJECT, [f"{len(self.bytes):04} {number:04}".encode() * 100]).sha256
            for number in range(FILES_A_DAY)
        ]
        await self.connection.execute(_sql("day"), self.jobs_a_day, PROJECT, names)
        while (await self._retention.run_once()).next_in is not None:
            pass
        await self._sweep()
        for table in sorted({kept.table for kept in RETENTION} - NEVER):
            await self.connection.execute(f"VACUUM (ANALYZE) watchkeeper.{table}")
        sizes = {
            row["name"].split(".")[1]: row["bytes"] for row in await self.connection.fetch(_sql("sizes"))
        }
        files = [path for path in self.store.root.rglob("*") if path.is_file()]
        self.bytes.append(sizes | {"stored files": sum(path.stat().st_size for path in files)})

    async def _sweep(self) -> None:
        """Do what the duty of the store does, by the simulated clock."""
        sweep, now = DiskArtifactSweep(self.store), self._begun + timedelta(days=len(self.bytes))
        for shard in sweep.shards(PROJECT):
            rows = await self.database.fetch(
                "referenced_hashes", {"project_id": PROJECT, "hashes": list(shard.hashes)}
            )
            sweep.settle(PROJECT, shard, {row["sha256"] for row in rows}, now)


async def measure(bench: Bench) -> list[Row]:
    """Simulate the year and judge every table that has an age or goes with its job."""
    async with bench.server.database() as url:
        # Sizes are measured here, not speed.
        await server.execute(url, f"ALTER DATABASE {server.database_name(url)} SET synchronous_commit = off")
        database, connection = Database(DatabaseConfig(url)), await asyncpg.connect(url)
        await database.open()
        try:
            await migrate(database)
            await connection.execute(_sql("clock"))
            await connection.execute("INSERT INTO watchkeeper.projects (project_id) VALUES ($1)", PROJECT)
            year = Year(
                database, connection, DiskArtifactStore(bench.scratch / "year"), bench.plan.jobs_a_day
            )
            for day in range(1, DAYS + 1):
                await year.one_day()
                if day in SHOWN:
                    bench.say(f"retention, day {day}: {_mb(sum(year.bytes[-1].values()))} in all")
            await _demand_old_ones_gone(connection)
        finally:
            await connection.close()
            await database.close()
    return _rows(year)


async def _demand_old_ones_gone(connection: asyncpg.Connection) -> None:
    oldest = await connection.fetchval(
        "SELECT watchkeeper.now() - min(created_at) FROM watchkeeper.job_specs"
    )
    if not timedelta(days=88) < oldest < timedelta(days=92):
        raise WatchkeeperError(
            f"the oldest job is {oldest.days} days old: retention did not act as it should"
        )


def _rows(year: Year) -> list[Row]:
    turned_over = sorted(
        (name for name in year.bytes[0] if name not in NEVER),
        key=lambda name: -year.bytes[STEADY_DAY - 1][name],
    )
    used = [name for name in turned_over if year.bytes[STEADY_DAY - 1][name] > SMALL_BYTES]
    kept = sorted(name for name in year.bytes[0] if name in NEVER)
    what = f"a year at {year.jobs_a_day} jobs a day: "
    return [
        *(_row(year, what + name, [name], judged=True) for name in used),
        _row(year, what + "all that is forgotten", turned_over, judged=True),
        _row(year, what + "kept for ever (audit, checks, incidents)", kept, judged=False),
    ]


def _row(year: Year, what: str, tables: Sequence[str], *, judged: bool) -> Row:
    sizes = [sum(day[table] for table in tables) for day in year.bytes]
    steady, most = sizes[STEADY_DAY - 1], max(sizes[STEADY_DAY:])
    shown = ", ".join(f"{_mb(sizes[day - 1])}" for day in SHOWN)
    reached = f"{shown} on days {', '.join(map(str, SHOWN))}"
    return Row(
        what=what,
        required=f"<= {MOST:g} x day {STEADY_DAY}, later" if judged else "shown, not bounded",
        reached=f"{reached}: {most / steady:.2f} x" if judged else reached,
        ok=most <= MOST * steady if judged else None,
        figures={"bytes": {str(day): sizes[day - 1] for day in SHOWN}, "most_after_steady": most},
    )


def _mb(count: int) -> str:
    return f"{count / 1_000_000:.1f} MB"


def _sql(name: str) -> str:
    return (SQL / f"retention_{name}.sql").read_text(encoding="utf-8")
