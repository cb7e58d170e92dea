"""What a job's timeline is drawn from, over a real database: nothing is missed, and a long run stays small."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from raw_sql import rows
from watchkeeper.app.whole import App
from watchkeeper.domain.drawn_marks import MOST_MARKS, placed
from watchkeeper.domain.jobs import AttemptCause
from watchkeeper.domain.time_axis import axis_of
from watchkeeper.services.drawing import MOST_EVENTS, Drawing
from watchkeeper.services.enqueueing import JobRequest
from watchkeeper.services.queue import AttemptEnd
from watchkeeper.storage.jobs import HeldLease

PLANT = """
WITH s AS (INSERT INTO watchkeeper.agent_sessions (project_id, job_id, epoch, worker_id, agent, number, told_by,
                                                   started_at)
           VALUES ('p', %(job)s, 2, 'w1', 'codex', 1, 'supervisor', watchkeeper.now() - interval '40 hours')
           RETURNING id)
INSERT INTO watchkeeper.session_events (project_id, session_id, number, t, source, event, fields)
SELECT 'p', s.id, n, n * 144000.0 / %(n)s, 'stdout', CASE WHEN n %% 2 = 1 THEN 'tool_opened' ELSE 'tool_closed' END,
       jsonb_build_object('id', 'c' || (n + 1) / 2, 'tool', 'Bash', 'failed', n %% 10 = 0, 'shown', repeat('x', 500))
  FROM s CROSS JOIN generate_series(1, %(n)s::int) n
"""


RECORDS = """
WITH j AS (SELECT project_id, seq, id FROM watchkeeper.job_specs),
a AS (INSERT INTO watchkeeper.artifact_checks (project_id, seq, job_id, epoch, command, passed, output_hash)
      SELECT project_id, seq, id, 1, 'verify', false, 'h' FROM j),
b AS (INSERT INTO watchkeeper.watchdog_incidents (project_id, rule, fingerprint, severity, state, job_id,
                                                  policy_version, policy_digest)
      SELECT project_id, 'lease_expired', 'f', 'high', 'open', id, '1', 'd' FROM j),
c AS (INSERT INTO watchkeeper.repair_actions (project_id, trigger, action, authority, actor, job_id)
      SELECT project_id, 'lease_expired', 'touch', 'system', 'watchdog', id FROM j),
d AS (INSERT INTO watchkeeper.helper_events (project_id, worker_id, job_id, command, exit_code, error_code)
      SELECT project_id, 'w1', id, 'verify', 3, 'gate_failed' FROM j),
e AS (INSERT INTO watchkeeper.worker_heartbeats (project_id, worker_id, status, current_job_id)
      SELECT project_id, 'w1', 'ok', id FROM j)
INSERT INTO watchkeeper.watchdog_incidents (project_id, rule, fingerprint, severity, state, evidence, policy_version,
                                            policy_digest, opened_at)
VALUES ('system', 'watchdog_blind', 'b', 'high', 'open', '{"cause": "ticks_missed", "seconds": 600}', '1', 'd',
        watchkeeper.now())
"""


@pytest.fixture
async def job(app: App) -> UUID:
    """A job of which one attempt failed, the second runs; with a check, an incident, a repair, calls and heartbeats."""
    await app.kinds.ensure_project("p")
    (made,) = await app.queue.enqueue("p", [JobRequest("build")], actor="test")
    (first,) = await app.queue.claim("p", "w1", ["build"], profile="runtime")
    lease = HeldLease(first.seq, first.token.epoch, first.token.secret_hash)
    await app.queue.end(
        "p", "worker:w1", [AttemptEnd(lease, AttemptCause.INFRASTRUCTURE, "the disk is full")]
    )
    await rows(app.database, "UPDATE watchkeeper.scheduled_jobs SET run_at = watchkeeper.now()")
    await app.maintenance.keep_time()
    (second,) = await app.queue.claim("p", "w1", ["build"], profile="runtime")
    assert second.id == made.id
    await rows(app.database, RECORDS)
    return made.id


async def drawn(app: App, job: UUID) -> Drawing:
    return await app.drawings.of_job("p", str(job))


def events_of(drawing: Drawing, row: str) -> list[Any]:
    return [mark.facts["event"] for mark in drawing.marks if mark.row == row]


async def test_every_kind_of_record_is_drawn(app: App, job: UUID) -> None:
    """Waits, attempts with their leases, heartbeats, helper events, checks, incidents, repairs, and the blind time."""
    await rows(app.database, PLANT, {"job": job, "n": 6})
    drawing = await drawn(app, job)
    assert events_of(drawing, "attempt") == ["failed", "running"]
    assert [e for e in events_of(drawing, "queue") if e == "pending"] == ["pending", "pending"]
    assert {"failed", "running", "renewed", "ok"} <= set(events_of(drawing, "lease"))
    assert (events_of(drawing, "helper"), events_of(drawing, "gate")) == (["verify"], ["verify"])
    assert (events_of(drawing, "incident"), events_of(drawing, "repair")) == (["lease_expired"], ["touch"])
    assert (events_of(drawing, "session"), events_of(drawing, "tool")) == (["codex"], ["Bash"] * 3)
    assert drawing.every == 1
    [blind] = drawing.blind
    assert blind[1] - blind[0] == pytest.approx(600, abs=30)
    told = drawing.told()
    assert len(told["marks"]) == len(drawing.marks)
    assert all(mark["at"] <= (mark["until"] or drawing.now) for mark in told["marks"])


async def test_a_run_of_forty_hours_is_read_and_drawn_in_bounds(app: App, job: UUID) -> None:
    """Of 30,000 events a part is read that spans all forty hours; the picture has at most so many marks."""
    await rows(app.database, PLANT, {"job": job, "n": 30_000})
    await rows(app.database, "ANALYZE watchkeeper.session_events")
    drawing = await drawn(app, job)
    tools = [mark for mark in drawing.marks if mark.row == "tool"]
    assert drawing.every == 20
    assert 0.9 * MOST_EVENTS < len(tools) <= MOST_EVENTS
    assert max(m.at for m in tools) - min(m.at for m in tools) > timedelta(hours=39.9).total_seconds()
    axis = axis_of([m.at for m in drawing.marks], drawing.begin.timestamp(), drawing.end.timestamp(), 1000)
    assert len(placed(drawing.marks, axis)) <= MOST_MARKS
