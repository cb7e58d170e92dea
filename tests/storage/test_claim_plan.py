"""The hot statements stay on their indexes beside a deep history, whether the planner knows the tables or not."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from raw_sql import rows
from services.handler_runs import until
from watchkeeper.domain.attempts import AttemptPolicy, ended_by, handed_back
from watchkeeper.domain.jobs import AttemptCause, JobState, OnLost, StateReason
from watchkeeper.storage import jobs as store
from watchkeeper.storage.database import Connection, Database, fetch
from watchkeeper.storage.jobs import ClaimRequest, Completion, EndedAttempt, HeldLease
from watchkeeper.storage.queries import query

FINISHED, READY, LEASED = 50_000, 20_000, 2_000
FILL = """
INSERT INTO watchkeeper.projects (project_id) VALUES ('p');
INSERT INTO watchkeeper.job_kinds (project_id, kind) SELECT 'p', 'k' || n FROM generate_series(0, 4) n;
UPDATE watchkeeper.job_kinds SET concurrency = 100000 WHERE kind = 'k4';
INSERT INTO watchkeeper.job_specs (project_id, seq, kind)
  SELECT 'p', n, 'k' || n % 5 FROM generate_series(1, {total}) n;
INSERT INTO watchkeeper.job_outcomes (project_id, seq, state, verified, epoch)
  SELECT 'p', n, 'completed', 'none', 1 FROM generate_series(1, {finished}) n;
INSERT INTO watchkeeper.closed_attempts (project_id, seq, epoch, worker_id, outcome, token_hash, started_at)
  SELECT 'p', n, 1, 'w', 'completed', '', now() FROM generate_series(1, {finished}) n;
INSERT INTO watchkeeper.audit_events (project_id, event, actor, job_seq, epoch, old_state, new_state)
  SELECT 'p', 'complete_succeeded', 'w', n, 1, 'running', 'completed' FROM generate_series(1, {finished}) n;
INSERT INTO watchkeeper.ready_jobs (project_id, kind, priority, seq)
  SELECT 'p', 'k' || n % 5, 0, n FROM generate_series({finished} + 1, {finished} + {ready}) n;
INSERT INTO watchkeeper.leases (project_id, seq, kind, priority, epoch, agent_errors, lost_leases, worker_id,
                                token_hash, profile, lease_seconds, claimed_at, renewed_at, expires_at)
  SELECT 'p', n, 'k' || n % 5, 0, 1, 0, 0, 'w' || n % 20, sha256(n::text::bytea), 'runtime', 60, now(), now(),
         now() + interval '60 s' FROM generate_series({finished} + {ready} + 1, {total}) n;
INSERT INTO watchkeeper.scheduled_jobs (project_id, seq, kind, priority, run_at)
  SELECT 'p', {total} + n, 'k0', 0, now() + make_interval(secs => n - 10) FROM generate_series(1, 5000) n;
"""
DEEP = {"job_specs", "ready_jobs", "job_outcomes", "closed_attempts", "scheduled_jobs"}


@pytest.fixture(params=["analyzed", "never analyzed"])
async def deep(request: pytest.FixtureRequest, database: Database) -> Database:
    """A queue with a deep history; its tables as the planner sees them after and before the first autovacuum."""
    text = FILL.format(finished=FINISHED, ready=READY, total=FINISHED + READY + LEASED)
    async with database.transaction() as connection:
        for statement in text.split(";\n"):
            if statement.strip():
                await connection.execute(statement.encode())
    if request.param == "analyzed":
        await rows(database, "ANALYZE")
    return database


@contextmanager
def explained(connection: Connection) -> Iterator[list[dict[str, Any]]]:
    """Collect the plans of all that runs on the connection, as auto_explain tells them."""
    plans: list[dict[str, Any]] = []

    def keep(notice: psycopg.errors.Diagnostic) -> None:
        text = notice.message_primary or ""
        if "plan:" in text:
            plans.append(json.loads(text.split("plan:", 1)[1]))

    connection.add_notice_handler(keep)
    try:
        yield plans
    finally:
        connection.remove_notice_handler(keep)


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


async def plans_of(deep: Database, act: Any) -> list[dict[str, Any]]:
    """Run an act five times, so that generic plans show too, and give all nodes of its plans."""
    async with deep.connection() as connection:
        for setting in (
            "LOAD 'auto_explain'",
            "SET auto_explain.log_min_duration = 0",
            "SET auto_explain.log_format = json",
            "SET auto_explain.log_analyze = on",
            "SET auto_explain.log_timing = off",
            "SET auto_explain.log_level = notice",
            "SET client_min_messages = notice",
        ):
            await connection.execute(setting.encode())
        with explained(connection) as plans:
            for _ in range(7):
                async with connection.transaction(force_rollback=True):
                    await act(connection)
    assert plans, "auto_explain told nothing"
    return [node for plan in plans for node in nodes(plan["Plan"])]


def assert_no_deep_scan(found: list[dict[str, Any]]) -> None:
    for node in found:
        relation = node.get("Relation Name", "")
        is_deep = relation in DEEP or relation.startswith("audit_events")
        assert not (node["Node Type"] == "Seq Scan" and is_deep), f"a sequential scan of {relation}"
        if is_deep and "Scan" in node["Node Type"]:
            assert node.get("Rows Removed by Filter", 0) <= 200, f"{relation} is read for nothing"


def held(count: int = 50) -> list[HeldLease]:
    first = FINISHED + READY + 1
    return [HeldLease(n, 1, hashlib.sha256(str(n).encode()).digest()) for n in range(first, first + count)]


def request_of(kinds: list[str] | None, limit: int) -> ClaimRequest:
    return ClaimRequest("p", "w", kinds, limit, "runtime", 900, 60)


@pytest.mark.parametrize(("kinds", "limit"), [(None, 1), (None, 10), (["k1"], 1), (["k1", "k4"], 50)])
async def test_a_claim_walks_its_index(deep: Database, kinds: list[str] | None, limit: int) -> None:
    """A claim reads as many ready jobs as it takes from each kind, in order, whatever lies behind them."""
    found = await plans_of(deep, lambda connection: store.claim(connection, request_of(kinds, limit)))
    assert_no_deep_scan(found)
    walks = [node for node in found if node.get("Index Name") == "ready_jobs_claim"]
    assert walks
    assert all(node["Actual Rows"] <= limit for node in walks)
    assert not [
        node
        for node in found
        if node.get("Relation Name") == "ready_jobs" and node["Node Type"] == "Seq Scan"
    ]


async def test_ends_and_renewals_find_their_rows(deep: Database) -> None:
    """Renewing, completing, failing and handing back touch the rows they name and no history."""
    policy = AttemptPolicy(OnLost.REQUEUE, 3, 3, 0, 0)
    endings = [
        handed_back(policy, AttemptCause.OPERATOR),
        ended_by(policy, JobState.STUCK, AttemptCause.GATE, StateReason.GATE_FAILED),
        ended_by(policy, JobState.CANCELLED, AttemptCause.OPERATOR, StateReason.OPERATOR),
    ]

    async def act(connection: Connection) -> None:
        leases = held()
        assert len(await store.renew(connection, "p", leases)) == 50
        assert (
            len(await store.complete(connection, "p", "w", [Completion(lease) for lease in leases[:20]]))
            == 20
        )
        ends = [EndedAttempt(lease, endings[n % 3], "x") for n, lease in enumerate(leases[20:])]
        assert len(await store.lock_held(connection, "p", leases[20:])) == 30
        assert len(await store.end_attempts(connection, "p", "w", ends)) == 30

    assert_no_deep_scan(await plans_of(deep, act))


async def test_the_reaper_and_the_promoter_read_what_is_due(deep: Database) -> None:
    """Looking for expired leases and due jobs costs what is due."""

    async def act(connection: Connection) -> None:
        await fetch(connection, "tick_reaper", {"gap_seconds": 15.0, "least_gap_seconds": 3.0})
        await fetch(connection, "lock_expired_leases", {"quiet_since": "-infinity", "limit": 500})
        await fetch(connection, "promote_due", {"limit": 500})
        await fetch(connection, "next_deadlines")

    assert_no_deep_scan(await plans_of(deep, act))


async def test_two_thousand_leases_are_renewed_by_one_statement_in_place(deep: Database) -> None:
    """A renewal writes no index: all row versions are HOT, and one statement renews them all."""
    assert query("renew").count("UPDATE") == 1
    async with deep.connection() as connection:
        for _ in range(2):  # the pages that the leases were claimed into settle
            await store.renew(connection, "p", held(LEASED))
        before = await _updates(connection)
        for _ in range(3):
            await _no_older_writer(connection)
            assert len(await store.renew(connection, "p", held(LEASED))) == LEASED
        after = await _updates(connection)
    assert after["n_tup_upd"] - before["n_tup_upd"] == 3 * LEASED
    assert after["n_tup_hot_upd"] - before["n_tup_hot_upd"] == 3 * LEASED


async def _no_older_writer(connection: Connection) -> None:
    """Wait until what was written so far may be pruned: other tests write on the same server."""
    seen = await (
        await connection.execute(b"SELECT pg_snapshot_xmax(pg_current_snapshot()) AS xid")
    ).fetchone()

    async def gone() -> bool:
        cursor = await connection.execute(
            b"SELECT pg_snapshot_xmin(pg_current_snapshot()) >= %s::xid8 AS gone", [str(seen["xid"])]
        )
        return (await cursor.fetchone())["gone"]

    await until(gone, "older writers to end")


async def _updates(connection: Connection) -> dict[str, Any]:
    await connection.execute(b"SELECT pg_stat_force_next_flush()")
    cursor = await connection.execute(
        b"SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'leases'"
    )
    row = await cursor.fetchone()
    assert row is not None
    return row
