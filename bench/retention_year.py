"""A year of traffic, a day at a time by a moved clock: does the database stop growing by retention and archives?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg

from bench import server
from bench.plan import Bench, Row
from bench.year_trail import YearTrail
from watchkeeper.domain.errors import WatchkeeperError
from watchkeeper.services.artifact_store_disk import DiskArtifactStore
from watchkeeper.services.artifact_sweep_disk import DiskArtifactSweep
from watchkeeper.services.audit_keys import AuditFiles
from watchkeeper.services.incidents import Incidents
from watchkeeper.services.maintenance import Maintenance
from watchkeeper.services.queue import Queue
from watchkeeper.services.retention import FOR_EVER, RETENTION, Retention
from watchkeeper.services.watchdog import Watchdog
from watchkeeper.settings import Settings
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
TRAIL = "audit_events"
SEALS = ("audit_seals", "audit_checkpoints")
NEVER = frozenset(kept.table for kept in RETENTION if kept.until.startswith(FOR_EVER))


@dataclass
class Year:
    """One database and one store in simulated time; `bytes` has each table's size on each day."""

    database: Database
    connection: asyncpg.Connection
    store: DiskArtifactStore
    trail: YearTrail
    begun: datetime
    jobs_a_day: int
    bytes: list[dict[str, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._retention = Retention(self.database)
        self._maintenance = Maintenance(self.database, Queue(self.database))
        self._watchdog = Watchdog(self.database, Incidents(self.database))

    async def one_day(self) -> None:
        """Let a day pass: traffic, then the duties of that day, then what autovacuum would do."""
        await self.connection.execute("UPDATE watchkeeper.bench_clock SET shift = shift + interval '1 day'")
        await self._maintenance.upkeep()
        names = [
            self.store.put(PROJECT, [f"{len(self.bytes):04} {number:04}".encode() * 100]).sha256
            for number in range(FILES_A_DAY)
        ]
        await self.connection.execute(_sql("day"), self.jobs_a_day, PROJECT, names)
        while (await self._watchdog.run_once()).next_in == 0.0:
            pass
        while (await self._retention.run_once()).next_in is not None:
            pass
        await self._sweep()
        await self.trail.one_day(await self._unsealed(), self._now().date())
        for table in sorted({kept.table for kept in RETENTION} - NEVER):
            await self.connection.execute(f"VACUUM (ANALYZE) watchkeeper.{table}")
        sizes = {
            row["name"].split(".")[1]: row["bytes"] for row in await self.connection.fetch(_sql("sizes"))
        }
        files = [path for path in self.store.root.rglob("*") if path.is_file()]
        sizes["stored files"] = sum(path.stat().st_size for path in files)
        sizes["archive files"] = self.trail.archive_bytes()
        self.bytes.append(sizes)

    def _now(self) -> datetime:
        return self.begun + timedelta(days=len(self.bytes) + 1)

    async def _unsealed(self) -> int:
        """Count the rows that no seal covers yet."""
        return int(await self.connection.fetchval(_sql("unsealed")))

    async def _sweep(self) -> None:
        """Do what the duty of the store does, by the simulated clock."""
        sweep, now = DiskArtifactSweep(self.store), self._now()
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
            year = _year(bench, database, connection)
            for day in range(1, DAYS + 1):
                await year.one_day()
                if day in SHOWN:
                    bench.say(f"retention, day {day}: {_mb(sum(year.bytes[-1].values()))} in all")
            await _demand_old_ones_gone(connection)
            await year.trail.demand_whole()
        finally:
            await connection.close()
            await database.close()
    return _rows(year)


def _year(bench: Bench, database: Database, connection: asyncpg.Connection) -> Year:
    begun = datetime.now(UTC)
    files = AuditFiles.of(Settings(home=bench.scratch / "year-home"))
    store = DiskArtifactStore(bench.scratch / "year")
    trail = YearTrail(database, files, begun.date())
    return Year(database, connection, store, trail, begun, bench.plan.jobs_a_day)


async def _demand_old_ones_gone(connection: asyncpg.Connection) -> None:
    oldest = await connection.fetchval(
        "SELECT watchkeeper.now() - min(created_at) FROM watchkeeper.job_specs"
    )
    if not timedelta(days=88) < oldest < timedelta(days=92):
        raise WatchkeeperError(
            f"the oldest job is {oldest.days} days old: retention did not act as it should"
        )


def _rows(year: Year) -> list[Row]:
    apart = {*NEVER, "archive files"}
    turned_over = sorted(
        (name for name in year.bytes[0] if name not in apart),
        key=lambda name: -year.bytes[STEADY_DAY - 1][name],
    )
    used = [name for name in turned_over if year.bytes[STEADY_DAY - 1][name] > SMALL_BYTES]
    kept = sorted(name for name in year.bytes[0] if name in NEVER - {TRAIL, *SEALS})
    what = f"a year at {year.jobs_a_day} jobs a day: "
    return [
        *(_judged(year, what + name, [name]) for name in used),
        _judged(year, what + "all that is forgotten", turned_over),
        _trail(year, what + "the audit trail, its months archived"),
        _shown(year, what + "the audit trail's seals", SEALS),
        _shown(year, what + "archived months, as files", ["archive files"]),
        _shown(year, what + "kept for ever (checks, incidents, lessons, proposals)", kept),
    ]


def _judged(year: Year, what: str, tables: Sequence[str]) -> Row:
    sizes = _sizes(year, tables)
    return _bounded(what, sizes, sizes[STEADY_DAY - 1], f"day {STEADY_DAY}")


def _trail(year: Year, what: str) -> Row:
    """Judge it by its peaks: it grows for a month and falls when that is archived."""
    sizes = _sizes(year, [TRAIL])
    row = _bounded(what, sizes, max(sizes[:STEADY_DAY]), f"the peak to day {STEADY_DAY}")
    row.figures["archived_rows"] = year.trail.archived_rows
    return row


def _bounded(what: str, sizes: Sequence[int], steady: int, named: str) -> Row:
    most = max(sizes[STEADY_DAY:])
    return Row(
        what=what,
        required=f"<= {MOST:g} x {named}, later",
        reached=f"{_shown_days(sizes)}: {most / steady:.2f} x",
        ok=most <= MOST * steady,
        figures=_figures(sizes) | {"most_after_steady": most, "steady": steady},
    )


def _shown(year: Year, what: str, tables: Sequence[str]) -> Row:
    sizes = _sizes(year, tables)
    return Row(what, "shown, not bounded", _shown_days(sizes), None, _figures(sizes))


def _sizes(year: Year, tables: Sequence[str]) -> list[int]:
    return [sum(day[table] for table in tables) for day in year.bytes]


def _shown_days(sizes: Sequence[int]) -> str:
    shown = ", ".join(_mb(sizes[day - 1]) for day in SHOWN)
    return f"{shown} on days {', '.join(map(str, SHOWN))}"


def _figures(sizes: Sequence[int]) -> dict[str, Any]:
    return {"bytes": {str(day): sizes[day - 1] for day in SHOWN}}


def _mb(count: int) -> str:
    return f"{count / 1_000_000:.1f} MB"


def _sql(name: str) -> str:
    return (SQL / f"retention_{name}.sql").read_text(encoding="utf-8")
