"""What has outlived its use goes: ended jobs after their days, and stored files that no artifact names."""

from __future__ import annotations

import os
import time

from moving_clock import MovingClock
from raw_sql import rows
from watchkeeper.app import App
from watchkeeper.services.enqueueing import JobRequest
from watchkeeper.services.maintenance import Maintenance, MaintenanceConfig

HOUR_SECONDS = 3600


async def test_a_retention_of_part_of_a_day_is_kept_to(app: App, clock: MovingClock) -> None:
    """With half a day an ended job is there after eleven hours, and gone after thirteen."""
    forget = Maintenance(app.database, app.queue, MaintenanceConfig(job_retention_days=0.5)).forget
    [made] = await app.queue.enqueue("p", [JobRequest("k")], actor="t")
    await app.operations.move("p", made.id, "cancel", actor="t", reason="not needed")
    clock.advance(11 * HOUR_SECONDS)
    assert (await forget()).counts["jobs_pruned"] == 0
    clock.advance(2 * HOUR_SECONDS)
    assert (await forget()).counts["jobs_pruned"] == 1
    assert await rows(app.database, "SELECT 1 AS one FROM watchkeeper.job_specs") == []


async def test_a_stored_file_without_an_artifact_goes_after_a_day(app: App) -> None:
    """The sweep goes through every folder of the store, marks what nobody names, and removes it a day later."""
    blobs = [app.artifacts.put("p", [bytes([number])]) for number in range(3)]
    assert (await app.artifact_upkeep.run_once()).counts["files_marked"] == 3
    assert (await app.artifact_upkeep.run_once()).counts == {
        "files_marked": 0,
        "files_removed": 0,
        "uploads_cleared": 0,
    }
    a_day_ago = time.time() - 25 * HOUR_SECONDS
    for mark in app.artifacts.root.rglob("*.tombstone"):
        os.utime(mark, (a_day_ago, a_day_ago))
    assert (await app.artifact_upkeep.run_once()).counts["files_removed"] == 3
    assert [app.artifacts.size("p", blob.sha256) for blob in blobs] == [None] * 3
