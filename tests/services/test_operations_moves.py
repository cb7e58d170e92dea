"""What a person's acts leave as it was."""

from __future__ import annotations

from datetime import timedelta

import pytest

from moving_clock import MovingClock
from raw_sql import rows
from watchkeeper.app.whole import App
from watchkeeper.domain.errors import Conflict
from watchkeeper.services.enqueueing import JobRequest


@pytest.mark.parametrize("act", ["resume", "requeue"])
async def test_a_pause_does_not_bring_a_scheduled_job_forward(app: App, clock: MovingClock, act: str) -> None:
    """A job that was asked for at a time still runs then, and not before, after it was paused and let go."""
    [now] = await rows(app.database, "SELECT watchkeeper.now() AS now")
    request = JobRequest("k", run_at=now["now"] + timedelta(hours=1))
    [made] = await app.queue.enqueue("p", [request], actor="t")
    await app.operations.move("p", made.id, "pause", actor="t", reason="r")
    if act == "resume":
        await app.operations.move("p", made.id, "resume", actor="t", reason="r")
    else:
        await app.operations.requeue("p", made.id, actor="t", reason="r")
    await app.maintenance.keep_time()
    assert await app.queue.claim("p", "w", None, profile="runtime") == []
    clock.advance(3601)
    await app.maintenance.keep_time()
    [job] = await app.queue.claim("p", "w", None, profile="runtime")
    assert job.id == made.id


async def test_an_ended_job_moves_no_more(app: App) -> None:
    """No act leads out of an end; to try again makes a new job that names the old one."""
    [made] = await app.queue.enqueue("p", [JobRequest("k", {"a": 1})], actor="t")
    await app.operations.move("p", made.id, "cancel", actor="t", reason="r")
    for act in ("cancel", "pause", "resume", "fail"):
        with pytest.raises(Conflict, match="cancelled"):
            await app.operations.move("p", made.id, act, actor="t", reason="r")
    again = await app.operations.requeue("p", made.id, actor="t", reason="r")
    [row] = await rows(
        app.database,
        "SELECT retry_of::text, payload FROM watchkeeper.job_specs WHERE seq = %(seq)s",
        {"seq": again.seq},
    )
    assert row == {"retry_of": made.id, "payload": {"a": 1}}
