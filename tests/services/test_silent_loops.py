"""Workers that are well and bring nothing: they are stopped, and work again once a person resumed them."""

from __future__ import annotations

import pytest

from moving_clock import MovingClock
from raw_sql import rows
from services.watched import checked, enqueue, look_after, open_incidents, open_rules, round_of, watchdog
from watchkeeper.app.whole import App
from watchkeeper.domain.errors import WorkerStopped


async def test_three_jobs_that_came_to_nothing_stop_the_worker(app: App, clock: MovingClock) -> None:
    """Alive, well, and nothing verified three times in a row: a silent loop; the job in hand is given its time."""
    for number in range(4):
        job = await enqueue(app)
        assert await round_of(app) == [job]
        await watchdog(app).run_once()
        assert await open_rules(app) == (["silent_loop"] if number == 3 else [])
        if number < 3:
            await app.operations.move("p", job, "fail", actor="t", reason="nothing came of it")
    [worker] = await rows(app.database, "SELECT stopped_at FROM watchkeeper.workers WHERE worker_id = 'w'")
    assert worker["stopped_at"] is not None
    clock.advance(1)
    await checked(app, job, passed=True)
    assert await look_after(app, clock, 1) == []


async def vain_round(app: App) -> None:
    """Let the contract worker take a job that comes to nothing."""
    job = await enqueue(app)
    assert await round_of(app) == [job]
    await app.operations.move("p", job, "fail", actor="t", reason="nothing came of it")


async def test_a_silent_loop_that_was_resumed_works_until_three_more_jobs_came_to_nothing(
    app: App, clock: MovingClock
) -> None:
    """Resuming acknowledges the incident; heartbeats, doctors and claims stop nobody again, three vain jobs do."""
    for _ in range(3):
        await vain_round(app)
    await watchdog(app).run_once()
    await enqueue(app)
    with pytest.raises(WorkerStopped):
        await round_of(app)
    assert await look_after(app, clock, 1) == ["silent_loop"]
    assert [each["occurrences"] for each in await open_incidents(app)] == [1]
    await app.fleet.resume("p", "w", actor="principal:mei", reason="another model")
    assert [each["state"] for each in await open_incidents(app)] == ["acknowledged"]
    clock.advance(1)
    await app.attendance.touch("p", "w", None)
    await app.attendance.note_doctor("p", "w", ok=True)
    assert await look_after(app, clock, 2) == ["silent_loop"]
    [job] = await round_of(app)
    await app.operations.move("p", job, "fail", actor="t", reason="nothing came of it")
    await vain_round(app)
    await watchdog(app).run_once()
    await vain_round(app)
    await watchdog(app).run_once()
    [again] = await open_incidents(app)
    assert (again["state"], again["occurrences"]) == ("open", 2)
    await enqueue(app)
    with pytest.raises(WorkerStopped):
        await round_of(app)
