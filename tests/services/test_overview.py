"""What the first page reads: what needs a person, what ended when, and reports that are kept for a while."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from moving_clock import MovingClock
from raw_sql import rows
from services.alerts import change, opened
from services.repaired import Shop
from services.test_repair_approvals import asked
from watchkeeper.app.whole import App
from watchkeeper.domain.proposals import ProposalDraft
from watchkeeper.domain.pulse import Pace
from watchkeeper.services.enqueueing import JobRequest
from watchkeeper.services.kept_reports import FRESH_SECONDS, KeptReports
from watchkeeper.storage.jobs import Completion, HeldLease


async def test_what_needs_a_person_is_one_list_in_one_order(app: App, clock: MovingClock) -> None:
    """Approvals first, then what expires soonest, then what blocks most; what is in hands stands below the fold."""
    shop = Shop(app)
    late = await opened(app.database, "missing_worker_kind", state="escalated")
    await change(app.database, late, "due_at = due_at - interval '30 minutes', kind = 'k2'")
    await app.queue.enqueue("p", [JobRequest("k2") for _ in range(3)], actor="t")
    person = await opened(app.database, "secret_exposed", state="needs_human")
    await opened(app.database, "fetch_failed")  # open and not overdue: its repair comes first
    muted = await opened(app.database, "touch_failed", state="escalated")
    await app.watchdog.incidents.quiet("p", muted, actor="principal:lin", reason="r", until=None)
    await change(app.database, muted, "quiet_until = watchkeeper.now() + interval '1 hour', quiet_by = 'lin'")
    await opened(app.database, "lease_expired", state="escalated", cause_id=late)
    repair = await asked(shop)
    draft = ProposalDraft("p", "k", "Start a worker.", "none", "start it", "because")
    await app.watchdog.knowledge.proposals.make(draft, actor="t")
    found = await app.overview.needs.of(["p"])
    assert [(row["concern"], row["blocks"]) for row in found.now] == [
        ("repair", 1),
        ("incident", 4),
        ("incident", 0),
        ("proposal", 0),
    ]
    assert [row["id"] for row in found.now[:3]] == [repair, late, person]
    assert [(row["id"], row["fold"], row["by"]) for row in found.folded] == [(muted, "quiet", "lin")]
    clock.advance(3700)
    assert "fetch_failed" in {row["about"] for row in (await app.overview.needs.of(["p"])).now}
    short = await app.overview.needs.of(["p"], 2)
    assert (len(short.now), short.more) == (2, True)


async def test_a_job_is_told_once_by_its_incident(app: App) -> None:
    """A stuck job stands in the list until an incident about it does; one that a person paused stands below."""
    shop = Shop(app)
    stuck, held = await shop.running("a"), await shop.running("b")
    await rows(
        app.database,
        "WITH gone AS (DELETE FROM watchkeeper.leases RETURNING *)"
        " INSERT INTO watchkeeper.held_jobs (project_id, seq, kind, priority, epoch, agent_errors, lost_leases, state,"
        " state_reason) SELECT project_id, seq, kind, priority, epoch, 0, 0,"
        " CASE kind WHEN 'a' THEN 'stuck' ELSE 'paused' END, CASE kind WHEN 'a' THEN 'gate_failed' ELSE 'operator' END"
        " FROM gone RETURNING seq",
    )
    found = await app.overview.needs.of(["p"])
    assert [(row["concern"], str(row["id"])) for row in found.now] == [("stuck", stuck.id)]
    assert [(row["fold"], str(row["id"])) for row in found.folded] == [("paused", held.id)]
    await opened(app.database, state="escalated", job_id=stuck.id)
    assert [row["concern"] for row in (await app.overview.needs.of(["p"])).now] == ["incident"]


async def test_ended_jobs_are_counted_once_by_their_time(app: App, clock: MovingClock) -> None:
    """The watch counts what ended; two counts beside each other count nothing twice, and old counts say so."""
    assert (await app.overview.pulse.pulse("p"))["pace"] is Pace.UNKNOWN
    shop = Shop(app)
    for _ in range(3):
        job = await shop.running()
        lease = HeldLease(job.seq, job.token.epoch, job.token.secret_hash)
        await app.queue.complete("p", "worker:w", [Completion(lease, "none", "done")])
    clock.advance(60)

    async def count() -> None:
        for _ in range(30):
            await app.overview.counts.count()

    await asyncio.gather(count(), count())
    await count()  # each may have found the other at it, again and again
    found = await app.overview.pulse.pulse("p")
    assert (found["pace"], found["hour"]) == (Pace.ADVANCING, {"verified": 0, "unverified": 3, "failed": 0})
    waits = found["signals"]
    assert waits["waits"] == 3
    assert 0 <= waits["wait_p95_s"] < 60
    hours = await app.overview.pulse.hours("p")
    assert [hour["well"] for hour in hours["k"]] == [0] * 23 + [3]
    clock.advance(2 * 3600)
    assert (await app.overview.pulse.pulse("p"))["pace"] is Pace.UNKNOWN
    await count()
    later = await app.overview.pulse.pulse("p")
    assert (later["pace"], later["hour"]["unverified"], later["day"]["unverified"]) == (Pace.IDLE, 0, 3)
    assert (later["signals"]["waits"], later["signals"]["wait_p95_s"]) == (0, None)


async def test_what_people_did_is_found_among_what_workers_do(app: App) -> None:
    """The last hour's acts are those of people."""
    job = await Shop(app).running()
    await app.operations.move("p", job.id, "pause", actor="principal:p/lin", reason="wait")
    (act,) = await app.overview.pulse.acts("p")
    assert (act["event"], act["actor"], str(act["job_id"])) == ("job_paused", "principal:p/lin", job.id)


async def test_a_dear_report_is_read_once_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Readers get the kept one at once, and the next one once it is old; a reading that fails leaves the old one."""
    read: list[str] = []

    async def reading(project_id: str) -> dict[str, Any]:
        read.append(project_id)
        if len(read) == 2:
            raise ValueError("no")
        return {"n": len(read)}

    kept = KeptReports("r", reading)
    assert [await kept.get("p") for _ in range(3)] == [{"n": 1}] * 3
    monkeypatch.setattr("watchkeeper.services.kept_reports.FRESH_SECONDS", -FRESH_SECONDS)
    assert [await kept.get("p") for _ in range(2)] == [{"n": 1}] * 2
    await asyncio.sleep(0)
    assert read == ["p", "p"]
    await kept.stop()


async def test_the_story_of_an_incident_is_one(app: App) -> None:
    """States, acts and alerts stand in one list, in order of time."""
    incident = await opened(app.database, state="escalated")
    await app.watchdog.incidents.acknowledge(
        "p", incident, actor="principal:p/lin", note="on it", until=timedelta(hours=1)
    )
    await rows(
        app.database,
        "INSERT INTO watchkeeper.alerts (project_id, incident_id, dedup_key, severity, stage, channel, recipient, body,"
        " due_at) VALUES ('p', %(id)s, 'k', 'high', 0, 'console', 'lin', 'look', watchkeeper.now()) RETURNING id",
        {"id": incident},
    )
    story = await app.watchdog.incident_reading.story("p", incident)
    assert [(entry["what"], entry["actor"], entry["said"]) for entry in story] == [
        ("act", "principal:p/lin", "on it"),
        ("alert", "lin", "look"),
    ]
