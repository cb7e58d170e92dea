"""Every table has its retention: rows go when their time is over, and not while something open needs them."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from any_rows import add_row, tables
from moving_clock import MovingClock
from raw_sql import rows
from watchkeeper.app.whole import App
from watchkeeper.services.enqueueing import JobRequest
from watchkeeper.services.retention import REPORT_DAYS, RETENTION, Kept, Retention, RetentionConfig
from watchkeeper.storage.database import Database
from watchkeeper.storage.jobs import HeldLease
from watchkeeper.storage.queries import query

DAY_SECONDS = 86_400
CONFIG = RetentionConfig(job_days=10, output_days=5, event_days=3)
AGED = [kept for kept in RETENTION if kept.query]
SINCE = {
    "reconcile_items": "decided_at",
    "agent_sessions": "started_at",
    "worker_runs": "started_at",
    "workers": "gone_at",
    "sleepers": "since",
    "pool_parks": "until",
    "tokens": "revoked_at",
    "job_tokens": "created_at",
    "policy_holders": "seen_at",
    "login_codes": "expires_at",
    "console_sessions": "expires_at",
    "signals": "received_at",
    "alerts": "sent_at",
    "foreign_queues": "received_at",
    "lesson_uses": "handed_at",
    "share_links": "expires_at",
    "chat_events": "handled_at",
    "chat_codes": "expires_at",
    "chat_buttons": "expires_at",
    "slo_counts": "begins_at",
    "host_alerts": "last_received_at",
    "host_alert_groups": "last_received_at",
    "host_readings": "scanned_at",
    "outcome_counts": "starts_at",
}
"""The column that a row's age counts from; where none is named, `created_at`."""

NAMED_BY = {
    "an open incident": ("watchdog_incidents", {"job_id": "id", "state": "open"}),
    "an undecided reconcile item": ("reconcile_items", {"seq": "seq"}),
    "an undecided proposal": ("proposals", {"job_id": "id"}),
    "a repair under way": ("repair_actions", {"job_id": "id", "state": "executing"}),
    "a repair that needs a person": (
        "repair_actions",
        {"job_id": "id", "state": "needs_human", "result": "needs_human"},
    ),
    "a retry that has not ended": ("job_specs", {"retry_of": "id"}),
}
CLOSED_BY = {
    "watchdog_incidents": "state = 'resolved', resolved_at = watchkeeper.now()",
    "reconcile_items": "decided_at = watchkeeper.now()",
    "proposals": "decided_at = watchkeeper.now(), decided_by = 't'",
    "repair_actions": "state = 'succeeded', result = 'success'",
}


def what(kept: Kept) -> str:
    return kept.query.removeprefix("forget_")


@pytest.fixture
def retention(database: Database) -> Retention:
    return Retention(database, lambda: CONFIG)


@pytest.fixture
def raw(database_url: str) -> Any:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


def time_of(raw: psycopg.Connection) -> datetime:
    return raw.execute("SELECT watchkeeper.now()").fetchone()[0]


async def ended(app: App, **more: Any) -> tuple[UUID, int]:
    """Give the id and the number of a job that has ended."""
    [made] = await app.queue.enqueue("p", [JobRequest("k", **more)], actor="t")
    await app.operations.move("p", made.id, "cancel", actor="t", reason="not needed")
    return made.id, made.seq


async def run_through(retention: Retention) -> dict[str, int]:
    """Run the duty until nothing is left for it; give what it did in all."""
    total: dict[str, int] = {}
    while True:
        ran = await retention.run_once()
        total = {name: total.get(name, 0) + count for name, count in ran.counts.items()}
        if ran.next_in is None:
            return total


def test_every_table_has_its_retention(raw: psycopg.Connection) -> None:
    """A table that somebody adds without saying how long it keeps its rows is found here: see services/retention.py."""
    assert {kept.table for kept in RETENTION} == set(tables(raw))


async def test_a_row_goes_when_its_time_is_over(
    retention: Retention, raw: psycopg.Connection, clock: MovingClock
) -> None:
    """In every table that forgets, a row is there until its last hour and gone after it, and a younger one stays."""
    for kept in AGED:
        extra = {"job_seq": 1, "job_epoch": 1, "project_id": "p"} if what(kept) == "job_tokens" else {}
        column, days = SINCE.get(what(kept), "created_at"), kept.age(CONFIG)
        count = f"SELECT count(*) FROM watchkeeper.{kept.table}"
        raw.execute(f"TRUNCATE watchkeeper.{kept.table} CASCADE")
        add_row(raw, kept.table, **{column: time_of(raw)}, **extra)
        clock.advance(days * DAY_SECONDS * 0.9)
        add_row(raw, kept.table, **{column: time_of(raw)}, **extra)
        assert (await run_through(retention))[what(kept)] == 0, kept
        assert raw.execute(count).fetchone() == (2,), kept
        clock.advance(days * DAY_SECONDS * 0.2)
        assert (await run_through(retention))[what(kept)] == 1, kept
        assert raw.execute(count).fetchone() == (1,), kept


async def test_an_ended_job_goes_with_all_that_hangs_on_it(
    app: App, retention: Retention, clock: MovingClock
) -> None:
    """Job, outcome, attempts and artifacts go together; its checks and its trail stay, and the trail says so."""
    [made] = await app.queue.enqueue("p", [JobRequest("k", contract={"primary": "any"})], actor="t")
    [claimed] = await app.queue.claim("p", "w", ["k"], profile="runtime")
    lease = HeldLease(claimed.seq, claimed.epoch, claimed.token_hash)
    stored = await app.gate.store_bytes("p", lease, "report.html", b"<p>done</p>")
    await app.gate.check("p", lease, {"primary": "any"}, [], command="complete")
    await app.operations.move("p", made.id, "cancel", actor="t", reason="not needed", force=True)
    clock.advance(10.1 * DAY_SECONDS)
    assert (await run_through(retention))["jobs"] == 1
    for table in ("job_specs", "job_outcomes", "closed_attempts", "artifacts"):
        assert await rows(app.database, f"SELECT 1 FROM watchkeeper.{table}") == [], table
    assert await rows(app.database, "SELECT job_id FROM watchkeeper.artifact_checks") == [
        {"job_id": UUID(made.id)}
    ]
    assert app.artifacts.verify("p", stored["sha256"])
    assert (await app.artifact_upkeep.run_once()).counts["files_marked"] == 1
    [told] = await rows(app.database, "SELECT data FROM watchkeeper.audit_events WHERE event = 'jobs_pruned'")
    assert told["data"] == {"count": 1, "first_seq": made.seq, "last_seq": made.seq}
    trail = await rows(
        app.database, "SELECT event FROM watchkeeper.audit_events WHERE job_seq = %(seq)s", {"seq": made.seq}
    )
    assert {"job_claimed", "job_cancelled"} <= {row["event"] for row in trail}


@pytest.mark.parametrize("name", NAMED_BY)
async def test_a_job_that_something_open_names_stays_until_that_is_over(
    name: str, app: App, retention: Retention, raw: psycopg.Connection, clock: MovingClock
) -> None:
    """What a person has yet to look at is not pulled from under them; another old job beside it goes."""
    job_id, seq = await ended(app)
    await ended(app)
    table, fields = NAMED_BY[name]
    values = {"id": job_id, "seq": seq}
    add_row(
        raw, table, project_id="p", **{column: values.get(value, value) for column, value in fields.items()}
    )
    clock.advance(40 * DAY_SECONDS)
    assert (await run_through(retention))["jobs"] == 1
    if table == "job_specs":
        add_row(
            raw,
            "job_outcomes",
            project_id="p",
            seq=raw.execute(
                "SELECT max(seq) FROM watchkeeper.job_specs WHERE retry_of IS NOT NULL"
            ).fetchone()[0],
        )
    else:
        raw.execute(f"UPDATE watchkeeper.{table} SET {CLOSED_BY[table]}")
    assert (await run_through(retention))["jobs"] == 1


@pytest.mark.parametrize("table", ["helper_events", "worker_runs", "alerts"])
async def test_what_an_incident_needs_stays_until_its_report(
    table: str, retention: Retention, raw: psycopg.Connection, clock: MovingClock
) -> None:
    """Output of an incident's job stays until the incident is resolved and 30 days old, whatever the setting says."""
    job_id, incident = uuid4(), uuid4()
    add_row(raw, "watchdog_incidents", project_id="p", id=incident, job_id=job_id)
    hangs_on = {"incident_id": incident, "sent_at": time_of(raw)}
    add_row(raw, table, project_id="p", **(hangs_on if table == "alerts" else {"job_id": job_id}))
    clock.advance(29 * DAY_SECONDS)
    raw.execute(
        "UPDATE watchkeeper.watchdog_incidents SET state = 'resolved', resolved_at = watchkeeper.now()"
    )
    assert (await run_through(retention))[table] == 0
    clock.advance(2 * DAY_SECONDS)
    assert (await run_through(retention))[table] == 1
    assert raw.execute("SELECT count(*) FROM watchkeeper.watchdog_incidents").fetchone() == (1,)


def test_old_rows_are_found_by_their_age(raw: psycopg.Connection) -> None:
    """In the tables that grow fastest, a batch reads the old rows by an index, not the whole table."""
    raw.execute("SET enable_seqscan = off")
    bounds = {"days": 14.0, "limit": 500, "report_days": REPORT_DAYS}
    for name in [
        "session_events",
        "helper_events",
        "worker_runs",
        "worker_heartbeats",
        "agent_sessions",
        "signals",
        "alerts",
    ]:
        plan = raw.execute("EXPLAIN " + query(f"forget_{name}"), bounds).fetchall()
        assert any(f"{name}_age" in line for (line,) in plan), plan


async def test_live_jobs_are_never_old(app: App, retention: Retention, clock: MovingClock) -> None:
    """A job that waits, is held or runs stays for years; only an ended one has an age."""
    for kind in ("waits", "held", "runs"):
        [made] = await app.queue.enqueue("p", [JobRequest(kind)], actor="t")
        if kind == "held":
            await app.operations.move("p", made.id, "pause", actor="t", reason="wait")
    await app.queue.claim("p", "w", ["runs"], profile="runtime")
    clock.advance(1000 * DAY_SECONDS)
    assert (await run_through(retention))["jobs"] == 0
    assert len(await rows(app.database, "SELECT 1 FROM watchkeeper.job_specs")) == 3


async def test_a_stopped_worker_is_not_forgotten(
    retention: Retention, raw: psycopg.Connection, clock: MovingClock
) -> None:
    """A worker that was stopped for cause stays known, and stopped, however long it is gone."""
    now = time_of(raw)
    add_row(raw, "workers", project_id="p", worker_id="bad", gone_at=now, stopped_at=now)
    clock.advance(1000 * DAY_SECONDS)
    assert (await run_through(retention))["workers"] == 0


async def test_a_long_backlog_goes_in_bounded_batches_on_several_machines(
    app: App, raw: psycopg.Connection, clock: MovingClock
) -> None:
    """Two machines share a backlog without standing in each other's way; no row of a young job goes."""
    for _ in range(5):
        await app.queue.enqueue("p", [JobRequest("k")] * 20, actor="t")
    old, young = timedelta(days=20), timedelta(days=1)
    raw.execute("DELETE FROM watchkeeper.ready_jobs")
    raw.execute(
        "INSERT INTO watchkeeper.job_outcomes (project_id, seq, state, epoch, finished_at)"
        " SELECT project_id, seq, 'failed', 1, watchkeeper.now() - CASE WHEN seq %% 4 = 0 THEN %s::interval"
        " ELSE %s::interval END FROM watchkeeper.job_specs",
        (young, old),
    )
    raw.execute("UPDATE watchkeeper.job_specs SET created_at = created_at - interval '30 days'")
    small = RetentionConfig(job_days=10, batch=7)
    done = await asyncio.gather(*(run_through(Retention(app.database, lambda: small)) for _ in range(2)))
    assert sum(one["jobs"] for one in done) == 75
    left = await rows(app.database, "SELECT DISTINCT seq %% 4 AS rest FROM watchkeeper.job_specs", {})
    assert left == [{"rest": 0}]


async def test_what_another_machine_holds_is_left_to_it(
    app: App, retention: Retention, raw: psycopg.Connection, clock: MovingClock
) -> None:
    """Retention waits for nobody's transaction: rows that are held stay for the next round."""
    await ended(app)
    await ended(app)
    clock.advance(11 * DAY_SECONDS)
    with raw.transaction():
        raw.execute("SELECT FROM watchkeeper.job_outcomes ORDER BY seq LIMIT 1 FOR UPDATE")
        assert (await asyncio.wait_for(retention.run_once(), 10)).counts["jobs"] == 1
    assert (await retention.run_once()).counts["jobs"] == 1


async def test_settings_reach_the_duty(app: App, clock: MovingClock) -> None:
    """With the defaults an ended job is there for ninety days, and gone after them."""
    await ended(app)
    clock.advance(89 * DAY_SECONDS)
    assert (await app.retention.run_once()).counts["jobs"] == 0
    clock.advance(2 * DAY_SECONDS)
    assert (await app.retention.run_once()).counts["jobs"] == 1
