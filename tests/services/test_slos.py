"""Objectives of pools over a real database: ends of attempts are counted, and say what they say."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import psycopg
import pytest

from any_rows import add_row
from moving_clock import MovingClock
from raw_sql import rows
from watchkeeper.app.whole import App
from watchkeeper.domain.policies import Policy
from watchkeeper.domain.slo import Objective, SloPolicy
from watchkeeper.services.slos import Slos


async def ended(app: App, database_url: str) -> None:
    """End twelve attempts of pool `night` (two failed), and some that are nobody's failure."""
    (clock,) = await rows(app.database, "SELECT watchkeeper.now() AS now")
    with psycopg.connect(database_url, autocommit=True) as connection:
        add_row(connection, "workers", project_id="p", worker_id="w1", pool="night")
        ends = ["completed"] * 10 + ["failed", "lost", "released", "cancelled", "paused"]
        for seq, outcome in enumerate(ends, 1):
            at = clock["now"] - timedelta(minutes=2 * seq)
            add_row(connection, "job_specs", project_id="p", seq=seq, id=UUID(int=seq), kind="k")
            place = {"project_id": "p", "seq": seq, "epoch": 1, "worker_id": "w1"}
            add_row(connection, "closed_attempts", **place, outcome=outcome, cause=None, ended_at=at)
        add_row(connection, "job_specs", project_id="p", seq=90, id=UUID(int=90), kind="k", is_shadow=True)
        place = {"project_id": "p", "seq": 90, "epoch": 1, "worker_id": "w1"}
        add_row(connection, "closed_attempts", **place, outcome="failed", ended_at=clock["now"])


async def count(app: App) -> None:
    counting = app.watchdog.reporting.slo_counting
    while (await counting.run_once()).next_in is not None:
        pass


async def test_a_pool_is_measured_by_its_ends(app: App, database_url: str, clock: MovingClock) -> None:
    """Twelve ends count, two of them failures; counting twice counts nothing twice; what is old is told as unknown."""
    await ended(app, database_url)
    before = await app.watchdog.reporting.slos.report("p")
    assert (before["pools"], before["is_stale"], before["counted_to"]) == ([], True, None)
    await count(app)
    await count(app)
    found = await app.watchdog.reporting.slos.report("p")
    (pool,) = found["pools"]
    assert (pool["pool"], pool["n"], pool["failed"], pool["declared"]) == ("night", 12, 2, False)
    assert (pool["state"], pool["budget_left"]) == ("spent", pytest.approx(1 - 2 / 1.2, abs=1e-3))
    assert [window["failed"] for window in pool["windows"]] == [2, 2, 2]
    policy = Policy(slos=SloPolicy(Objective(0.5), {"empty": Objective(0.9, 7)}))
    easy = {one["pool"]: one for one in (await Slos(app.database, lambda: policy).report("p"))["pools"]}
    assert (easy["night"]["state"], easy["empty"]["state"], easy["empty"]["n"]) == ("ok", "unknown", 0)
    clock.advance(3600)
    later = await app.watchdog.reporting.slos.report("p")
    assert (later["is_stale"], later["pools"][0]["state"]) == (True, "unknown")
    await count(app)
    assert (await app.watchdog.reporting.slos.report("p"))["is_stale"] is False


async def test_prometheus_is_told_how_fast_a_pool_burns(app: App, database_url: str) -> None:
    """Burn and failures by window, with the limit that fits the number of attempts; nothing before they are counted."""
    await ended(app, database_url)
    assert "watchkeeper_slo_" not in await app.metrics.text("p")
    await count(app)
    told = (await app.metrics.text("p")).splitlines()
    night = 'project="p",pool="night"'
    assert f"watchkeeper_slo_target{{{night}}} 0.9" in told
    assert f'watchkeeper_slo_failures{{{night},window="1h"}} 2' in told
    assert f'watchkeeper_slo_burn_rate{{{night},window="3d"}} 1.67' in told
    assert f'watchkeeper_slo_burn_limit{{{night},window="6h"}} 6' in told
    assert f'watchkeeper_slo_failures_limit{{{night},window="3d"}} 2' in told
    assert f'watchkeeper_slo_burn_limit{{{night},window="3d"}}' not in "".join(told)
    assert f'watchkeeper_slo_failures{{{night},window="5m"}} 0' in told


async def test_pools_have_an_slo_in_the_stages(app: App, database_url: str) -> None:
    """The item of D30 is open until a pool is measured, audit is sealed and a repair can be undone; then it passes."""

    async def item() -> tuple[str, str]:
        items = (await app.watchdog.reports.stages("p"))["items"]
        (found,) = [one for one in items if one["sentence"].startswith("Worker pools")]
        return found["result"], found["because"]

    assert "pools measured" in (await item())[1]
    await ended(app, database_url)
    await count(app)
    with psycopg.connect(database_url, autocommit=True) as connection:
        add_row(connection, "audit_seals", project_id="system")
        old = psycopg.types.json.Jsonb({"state": "running"})
        add_row(
            connection, "repair_actions", project_id="p", state="succeeded", result="success", old_state=old
        )
    assert await item() == (
        "pass",
        "audit seals: 1, repairs with an undo: 1, pools measured against their SLO: 1",
    )


async def test_a_pool_that_burns_is_told_once_a_day(app: App, database_url: str, clock: MovingClock) -> None:
    """A slow burn is told, a fast one as grave; looking again says nothing new, nor does what is over."""
    at = "SELECT subject, body, severity FROM watchkeeper.alerts WHERE incident_id IS NULL ORDER BY id"
    tell = app.watchdog.reporting.slo_alerts.run_once
    await ended(app, database_url)
    await count(app)
    assert (await tell()).counts == {"told": 1}
    with psycopg.connect(database_url, autocommit=True) as connection:
        for seq in range(100, 120):
            add_row(connection, "job_specs", project_id="p", seq=seq, id=UUID(int=seq), kind="k")
            place = {"project_id": "p", "seq": seq, "epoch": 1, "worker_id": "w1"}
            now = connection.execute("SELECT watchkeeper.now()").fetchone()
            assert now is not None
            add_row(connection, "closed_attempts", **place, outcome="failed", cause=None, ended_at=now[0])
    await count(app)
    assert (await tell()).counts == {"told": 1}
    assert (await tell()).counts == {"told": 0}
    slow, fast = await rows(app.database, at)
    assert (slow["subject"], slow["severity"]) == ("pool night", "medium")
    assert "spends slowly what may fail of it: 2 of 12 attempts failed within 72 h" in slow["body"]
    assert fast["severity"] == "high"
    assert "spends fast what may fail of it: 22 of 32 attempts failed within 6 h" in fast["body"]
    clock.advance(24 * 3600)
    assert (await tell()).counts == {"told": 0}
