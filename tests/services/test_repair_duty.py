"""What the repair duty does about open incidents, on the real queue."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from moving_clock import MovingClock
from raw_sql import rows
from watchkeeper.app.whole import App
from watchkeeper.domain.claims import ClaimedJob
from watchkeeper.domain.policies import Policy
from watchkeeper.services.enqueueing import JobRequest
from watchkeeper.services.repairs.duty import RepairDuty
from watchkeeper.services.repairs.records import RepairRecords


@pytest.fixture
def duty(app: App) -> RepairDuty:
    return RepairDuty(app.database, Policy, RepairRecords(app.redactor))


async def test_an_expired_lease_is_reclaimed(app: App, duty: RepairDuty, clock: MovingClock) -> None:
    """A job whose lease ended and that nobody reaped is claimable again, with plan, old and new state on record."""
    job = await claimed(app)
    await incident(app, "lease_expired", job)
    clock.advance(200)
    assert (await duty.run_once()).counts == {"planned": 1, "succeeded": 1}
    [repair] = await repairs(app)
    assert (repair["action"], repair["authority"], repair["result"]) == ("reclaim", "system", "success")
    assert repair["old_state"]["worker_id"] == "w"
    assert (repair["new_state"]["state"], repair["new_state"]["lost_leases"]) == ("paused", 1)
    assert (await duty.run_once()).counts == {}


async def claimed(app: App) -> ClaimedJob:
    await app.queue.enqueue("p", [JobRequest("k")], actor="t")
    [job] = await app.queue.claim("p", "w", None, profile="runtime")
    return job


async def incident(app: App, rule: str, job: ClaimedJob) -> None:
    await rows(
        app.database,
        "INSERT INTO watchkeeper.watchdog_incidents (project_id, rule, fingerprint, severity, job_id, worker_id)"
        " VALUES ('p', %(rule)s, %(rule)s, 'high', %(job)s, 'w')",
        {"rule": rule, "job": UUID(job.id)},
    )


async def repairs(app: App) -> list[dict[str, Any]]:
    return await rows(app.database, "SELECT * FROM watchkeeper.repair_actions ORDER BY id")
