"""A watchdog on a test's database, and workers and jobs as it finds them."""

from __future__ import annotations

from typing import Any

from moving_clock import MovingClock
from raw_sql import rows
from watchkeeper.app.whole import App
from watchkeeper.domain.policies import Policy, Thresholds
from watchkeeper.services.attendance import Registration
from watchkeeper.services.claims import ClaimAsked
from watchkeeper.services.enqueueing import JobRequest
from watchkeeper.services.helper_events import HelperEvent
from watchkeeper.services.incidents import Incidents
from watchkeeper.services.watchdog import Watchdog, WatchdogConfig

PATIENT = WatchdogConfig(gap_seconds=1e9, least_gap_seconds=1e9, close_seconds=0.0)
"""The watchdog of a test whose clock moves: no leap of the clock is a gap."""

TRUSTING = Policy(thresholds=Thresholds(missed_ticks=10**9, seal_lag_seconds=1e12))
"""Beside it, nobody who does not seal, and no leap of the clock, makes the watchdog blind."""

INCIDENTS = """
SELECT rule, state, cause, kind, worker_id, job_id, evidence, occurrences FROM watchkeeper.watchdog_incidents
 WHERE state <> 'resolved' ORDER BY id
"""


def watchdog(app: App, config: WatchdogConfig = PATIENT, policy: Policy = TRUSTING) -> Watchdog:
    return Watchdog(app.database, Incidents(app.database), lambda: policy, config)


async def open_incidents(app: App) -> list[dict[str, Any]]:
    return await rows(app.database, INCIDENTS)


async def open_rules(app: App) -> list[str]:
    return sorted(row["rule"] for row in await open_incidents(app))


async def enqueue(app: App, kind: str = "k", **asked: Any) -> str:
    [made] = await app.queue.enqueue("p", [JobRequest(kind, **asked)], actor="t")
    return str(made.id)


async def runtime_worker(app: App, worker_id: str = "w", slots: int = 1, **asked: Any) -> None:
    await app.attendance.register("p", Registration(worker_id, slots, **asked))


async def look_after(app: App, clock: MovingClock, seconds: float) -> list[str]:
    """Let time pass, let the watchdog look, and give the rules that have open incidents."""
    clock.advance(seconds)
    await watchdog(app).run_once()
    return await open_rules(app)


async def ran(app: App, command: str, about: str | None = None, worker: str = "w", **answer: Any) -> None:
    """Write down how a contract command of a worker ended."""
    code = answer.pop("code", None)
    error = {"ok": False, "error": {"code": code}} if code else {"ok": True}
    exit_code = answer.pop("exit_code", 5 if code else 0)
    event = HelperEvent(command, exit_code, {**error, **answer}, worker, about)
    await app.helper_events.record("p", event)


async def claimed(app: App, worker: str = "w") -> str:
    job = await enqueue(app)
    found = await app.claims.claim("p", ClaimAsked(worker))
    assert [each.id for each in found["jobs"]] == [job]
    return job


async def checked(app: App, job: str, *, passed: bool, command: str = "complete") -> None:
    await rows(
        app.database,
        "INSERT INTO watchkeeper.artifact_checks (project_id, job_id, seq, epoch, command, passed, output_hash, failed)"
        " SELECT 'p', id, seq, 1, %(command)s, %(passed)s, 'x', '[{\"check\": \"empty_body\"}]'"
        "   FROM watchkeeper.job_specs WHERE id = %(job)s::uuid",
        {"job": job, "passed": passed, "command": command},
    )


async def round_of(app: App, worker: str = "w") -> list[str]:
    """Let a contract worker go through one heartbeat up to its claim; give the jobs that it got."""
    await app.attendance.touch("p", worker, None)
    return [job.id for job in (await app.claims.claim("p", ClaimAsked(worker)))["jobs"]]
