"""How incidents end, and that nothing is judged while the watchdog does not see."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

from moving_clock import MovingClock
from raw_sql import rows
from services.watched import (
    PATIENT,
    enqueue,
    look_after,
    open_incidents,
    open_rules,
    runtime_worker,
    watchdog,
)
from watchkeeper.app.whole import App
from watchkeeper.domain.policies import Policy, Thresholds
from watchkeeper.storage.database import Connection


async def test_leases_and_queues_close_by_what_happened_to_them(app: App, clock: MovingClock) -> None:
    """A renewal ends the fear for a lease, a claim ends a wait, a worker ends a lack of one."""
    await runtime_worker(app, "w", kinds=["k"], slots=2)
    await enqueue(app)
    await app.queue.claim("p", "w", None, profile="runtime")
    await enqueue(app)
    await enqueue(app, "nobody")
    await watchdog(app).run_once()
    assert await look_after(app, clock, 50) == ["lease_near_expiry"]
    renew = (
        "UPDATE watchkeeper.leases SET renewed_at = watchkeeper.now(),"
        " expires_at = watchkeeper.now() + interval '60 s'"
    )
    await rows(app.database, renew)
    assert await look_after(app, clock, 15) == ["missing_worker_kind"]
    clock.advance(540)
    await rows(app.database, renew)
    assert await look_after(app, clock, 1) == ["missing_worker_kind", "queue_stuck"]
    await runtime_worker(app, "helps", kinds=["nobody"])
    await app.queue.claim("p", "w", None, profile="runtime")
    assert await look_after(app, clock, 1) == []


async def test_a_reaped_lease_is_no_longer_expired(app: App, clock: MovingClock) -> None:
    """Claimable again: what was expired is over."""
    await enqueue(app)
    await app.queue.claim("p", "w", None, profile="runtime")
    await watchdog(app).run_once()
    assert "lease_expired" in await look_after(app, clock, 125)
    await rows(app.database, "UPDATE watchkeeper.job_kinds SET on_lost = 'requeue'")
    for _ in range(8):
        await app.maintenance.reap()
        clock.advance(9)
    await watchdog(app).run_once()
    assert "lease_expired" not in await open_rules(app)


@pytest.mark.parametrize("cause", ["ticks_missed", "seal_behind", "xmin_pinned"])
async def test_a_blind_watchdog_judges_nothing_until_it_saw_well_twice(
    app: App, clock: MovingClock, cause: str
) -> None:
    """What is missing may only be unseen: no verdict and no end while it is blind, and one incident that says why."""
    await enqueue(app)
    await app.queue.claim("p", "w", None, profile="runtime")
    limits = Thresholds(
        missed_ticks=3 if cause == "ticks_missed" else 10**9,
        seal_lag_seconds=60.0 if cause == "seal_behind" else 1e12,
        pinned_snapshot_seconds=0.0 if cause == "xmin_pinned" else 1e12,
    )
    blind, seeing = Policy(thresholds=limits), Policy(thresholds=Thresholds(10**9, seal_lag_seconds=1e12))
    await watchdog(app, policy=seeing).run_once()
    clock.advance(200)
    async with app.database.connection() as connection:
        await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        await connection.execute("SELECT FROM watchkeeper.projects")
        await watchdog(app, policy=blind).run_once()
        found = await open_incidents(app)
    assert [(row["rule"], row["cause"]) for row in found] == [("watchdog_blind", cause)]
    seeing = Policy(thresholds=Thresholds(missed_ticks=10**9, seal_lag_seconds=1e12))
    await watchdog(app, policy=seeing).run_once()
    assert await open_rules(app) == ["watchdog_blind"]
    await watchdog(app, policy=seeing).run_once()
    assert await open_rules(app) == ["lease_expired", "lease_near_expiry"]


async def pinned(app: App, connection: Connection, name: str, clock: MovingClock) -> list[dict[str, Any]]:
    """Let a session of this name hold a snapshot while the watchdog looks; give what it then finds."""
    limits = Thresholds(missed_ticks=10**9, seal_lag_seconds=1e12, pinned_snapshot_seconds=0.0)
    await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    await connection.execute(
        "SELECT set_config('application_name', %s, true), 1 FROM watchkeeper.projects", (name,)
    )
    clock.advance(1)
    await watchdog(app, policy=Policy(thresholds=limits)).run_once()
    await connection.execute("ROLLBACK")
    return [row for row in await open_incidents(app) if row["rule"] == "watchdog_blind"]


async def test_a_backup_of_our_own_blinds_nobody_and_a_foreign_dump_says_whose_it_is(
    app: App, clock: MovingClock, database_url: str, tmp_path: Path
) -> None:
    """`db backup` may take its time; another's long snapshot dims the watch, with user, program and process told."""
    names: set[str] = set()

    def seen(_: str) -> None:
        with psycopg.connect(database_url, application_name="looks") as other:
            told = other.execute(
                "SELECT application_name FROM pg_stat_activity WHERE backend_xmin IS NOT NULL"
                " AND datname = current_database() AND pid <> pg_backend_pid()"
            )
            names.update(name for (name,) in told)

    await app.backups.take(tmp_path / "b", seen)
    assert names == {"watchkeeper-dump"}
    async with app.database.connection() as connection:
        assert await pinned(app, connection, "watchkeeper-dump", clock) == []
        [found] = await pinned(app, connection, "nightly", clock)
    by = found["evidence"]["by"]
    assert "by nightly (pid" in by
    assert by.startswith("the session of ")


async def test_a_clock_that_jumped_is_not_a_watch_that_nobody_kept(app: App, clock: MovingClock) -> None:
    """The same watchdog that looked a moment ago by its own clock did not sleep for two hours."""
    looking = watchdog(app, PATIENT, Policy(thresholds=Thresholds(seal_lag_seconds=1e12)))
    await looking.run_once()
    clock.advance(7200)
    await looking.run_once()
    assert await open_rules(app) == []
