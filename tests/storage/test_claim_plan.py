"""The hot statements stay on their indexes beside a deep history, whether the planner knows the tables or not."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from services.handler_runs import until
from storage.deep_queue import FINISHED, LEASED, READY, assert_no_deep_scan, plans_of
from watchkeeper.domain.attempts import AttemptPolicy, ended_by, handed_back
from watchkeeper.domain.jobs import AttemptCause, JobState, OnLost, StateReason
from watchkeeper.storage import jobs as store
from watchkeeper.storage.database import Connection, Database, fetch
from watchkeeper.storage.jobs import ClaimRequest, Completion, EndedAttempt, HeldLease
from watchkeeper.storage.queries import query


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
