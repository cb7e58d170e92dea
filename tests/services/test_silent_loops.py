"""Workers that are well and bring nothing: they are stopped, and work again once a person resumed them."""

from __future__ import annotations

from typing import Any

import pytest

from moving_clock import MovingClock
from raw_sql import rows
from services.watched import checked, enqueue, look_after, open_incidents, open_rules, round_of, watchdog
from watchkeeper.app.whole import App
from watchkeeper.domain.errors import WorkerStopped
from watchkeeper.domain.kinds import KindDeclaration
from watchkeeper.domain.reports import CommandRun, Heartbeat
from watchkeeper.services.mirrored import Reporter

LIVE_SESSION = """
INSERT INTO watchkeeper.agent_sessions (project_id, job_id, epoch, worker_id, agent)
SELECT 'p', job_id, epoch, worker_id, 'codex' FROM watchkeeper.foreign_leases RETURNING id
"""


async def test_three_jobs_that_came_to_nothing_stop_the_worker(app: App, clock: MovingClock) -> None:
    """Alive, well, and nothing verified three times in a row: a silent loop; the job in hand is given its time."""
    await app.attendance.note_doctor("p", "w", ok=True)
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
    await app.attendance.note_doctor("p", "w", ok=True)
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


async def foreign_round(app: App, clock: MovingClock, **said: Any) -> list[str]:
    """Report a heartbeat of a foreign worker, ten minutes after the last; give the rules that have open incidents."""
    clock.advance(600)
    who, words = (
        Reporter("p", "t"),
        {"doctor_ok": True, "touch_ok": True, "claim_ok": True, "job": "A"} | said,
    )
    await app.watchdog.recording.record(who, [Heartbeat("h", "ok", **words)])
    await watchdog(app).run_once()
    return [rule for rule in await open_rules(app) if rule == "silent_loop"]


async def test_one_job_held_for_three_heartbeats_without_a_word_is_a_silent_loop(
    app: App, clock: MovingClock
) -> None:
    """It counts from the last progress; a session's own rules, a kind's clocks and unknown checks hold it back."""
    assert [await foreign_round(app, clock) for _ in range(2)] == [[], []]
    await app.watchdog.recording.record(Reporter("p", "t"), [CommandRun("progress", 0, "h", "A")])
    clock.advance(1)
    assert [await foreign_round(app, clock) for _ in range(2)] == [[], []]
    assert await foreign_round(app, clock, touch_ok=None) == []
    kind = {"name": "unknown", "tool_limit_minutes": 120}
    await app.kinds.declare("p", KindDeclaration.parse(kind), actor="t")
    assert await foreign_round(app, clock) == []
    await rows(
        app.database, "UPDATE watchkeeper.job_kinds SET tool_limit_minutes = 30 WHERE project_id = 'p'"
    )
    await rows(app.database, LIVE_SESSION)
    assert await foreign_round(app, clock) == []
    await rows(app.database, "UPDATE watchkeeper.agent_sessions SET ended_at = watchkeeper.now()")
    assert await foreign_round(app, clock) == ["silent_loop"]
    [found] = [each for each in await open_incidents(app) if each["rule"] == "silent_loop"]
    assert (found["cause"], len(found["evidence"]["jobs"])) == ("silent_in_hand", 1)
    [worker] = await rows(app.database, "SELECT stopped_at FROM watchkeeper.workers WHERE worker_id = 'h'")
    assert worker["stopped_at"] is not None


async def test_jobs_that_a_quota_took_are_not_the_workers_fault(app: App) -> None:
    """Three of them are no silent loop."""
    await app.attendance.note_doctor("p", "w", ok=True)
    for _ in range(4):
        job = await enqueue(app)
        assert await round_of(app) == [job]
        await app.operations.move("p", job, "fail", actor="t", reason="handed back")
        await rows(app.database, "UPDATE watchkeeper.closed_attempts SET cause = 'quota'")
    await watchdog(app).run_once()
    assert "silent_loop" not in await open_rules(app)
