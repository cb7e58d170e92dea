"""What has outlived its use goes: stored files that no artifact names."""

from __future__ import annotations

import os
import time

from watchkeeper.app.whole import App

HOUR_SECONDS = 3600


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
