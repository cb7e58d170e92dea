"""The audit trail takes rows and gives none back, and its upkeep survives being forgotten."""

from __future__ import annotations

import pytest

from moving_clock import MovingClock
from raw_sql import rows
from watchkeeper.app.whole import App
from watchkeeper.domain.errors import WatchkeeperError
from watchkeeper.services.enqueueing import JobRequest

PARTITIONS = """
SELECT relid::regclass::text AS name FROM pg_partition_tree('watchkeeper.audit_events') WHERE isleaf ORDER BY 1
"""
MONTH_SECONDS = 31 * 86_400


async def partitions(app: App) -> list[str]:
    return [row["name"] for row in await rows(app.database, PARTITIONS)]


@pytest.mark.parametrize("act", ["UPDATE {} SET actor = 'x'", "DELETE FROM {}", "TRUNCATE {}"])
async def test_no_audit_row_is_changed_or_removed(app: App, clock: MovingClock, act: str) -> None:
    """The database refuses to change, delete or empty the trail, at its root and in each of its partitions."""
    await app.queue.enqueue("p", [JobRequest("k")], actor="t")
    clock.advance(2 * MONTH_SECONDS)
    await app.maintenance.upkeep()
    clock.advance(3 * MONTH_SECONDS)
    await app.queue.enqueue("p", [JobRequest("k")], actor="t")
    before = await rows(app.database, "SELECT * FROM watchkeeper.audit_events ORDER BY seq")
    places = await partitions(app)
    assert len(places) >= 5
    for place in ["watchkeeper.audit_events", *places]:
        [held] = await rows(app.database, f"SELECT count(*) AS n FROM {place}")
        if act.startswith("TRUNCATE") or held["n"]:
            with pytest.raises(WatchkeeperError, match="append-only"):
                await rows(app.database, act.format(place))
    assert await rows(app.database, "SELECT * FROM watchkeeper.audit_events ORDER BY seq") == before


async def test_upkeep_goes_on_after_months_in_which_it_was_forgotten(app: App, clock: MovingClock) -> None:
    """Rows of a month without a partition stay where they are; later months get theirs, and upkeep works."""
    clock.advance(5 * MONTH_SECONDS)
    await app.queue.enqueue("p", [JobRequest("k")], actor="t")
    before = await partitions(app)
    ran = await app.maintenance.upkeep()
    assert ran.counts["partitions"] == 1
    assert len(await partitions(app)) == len(before) + 1
    assert (await app.maintenance.upkeep()).counts["partitions"] == 0
