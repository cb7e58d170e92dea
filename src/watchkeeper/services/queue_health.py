"""How the queues fare, own and foreign: of each kind what waits, what runs, and why nothing moves where it does not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from watchkeeper.services.policy_holders import policy_holders, told_of
from watchkeeper.services.standstill import standing_still
from watchkeeper.storage.database import Database, Row, fetch, fetch_one, fetch_row

OLD_SECONDS = 20 * 60.0
"""Counters that are older than two rounds of a worker say nothing of now."""

COUNTS = ("scheduled", "running", "stuck", "paused")


async def queue_health(
    database: Database, project_id: str, *, most: int, gap_seconds: float
) -> dict[str, Any]:
    """Give the health of all queues of a project. Jobs that wait are counted up to `most`.

    A watch that has not ticked for `gap_seconds` is not ok.
    """
    where = {"project_id": project_id}
    async with database.transaction() as connection:
        counts = await fetch(connection, "queue_counts", where | {"most": most})
        foreign = await fetch(connection, "foreign_queue_counts", where | {"old_seconds": OLD_SECONDS})
        watch = await fetch_row(connection, "watch_facts", {"gap_seconds": gap_seconds})
        still = await fetch_one(connection, "standstill")
    now: datetime = watch["now"]
    policy_ok, policy = told_of(await policy_holders(database))
    return {
        "generated_at": now,
        "watchdog": {"last_tick_at": watch["last_tick_at"], "ok": watch["ok"]},
        "policy": {"ok": policy_ok, "detail": policy},
        "standstill": None if still is None else standing_still(still),
        "queues": [_own(row, most) for row in counts] + [_foreign(row, most) for row in foreign],
    }


OF_THEIR_TIME = frozenset({"not_due"})
"""Reasons that are none to look: time alone ends them."""


def why_it_waits(queue: Mapping[str, Any]) -> bool:
    """Say whether something of a queue stands still for a reason that time alone does not end."""
    return bool(queue["stuck"] or set(queue["waiting_reasons"]) - OF_THEIR_TIME)


def counted(row: Mapping[str, Any], name: str, most: int) -> dict[str, Any]:
    """Give a count that ends at `most`, and whether there are more."""
    return {name: min(row[name], most), "capped": row[name] > most}


def _own(row: Row, most: int) -> dict[str, Any]:
    status = "ok"
    if row["paused_kind"]:
        status = "paused"
    elif row["stuck"]:
        status = "stuck"
    elif row["why_ready"] is not None:
        status = "waiting"
    return {"origin": "own", **_told(row, _reasons(row, most), status, most)}


def _reasons(row: Row, most: int) -> dict[str, int]:
    """Count by reason what waits: claimable jobs of a kind all wait for the same, or for nothing.

    That reason stands first: of as many as others it is what people ask for.
    """
    reasons: Counter[str] = Counter()
    if row["why_ready"] is not None:
        reasons[row["why_ready"]] += min(row["ready"], most)
    reasons.update(
        not_due=row["scheduled"],
        paused=row["paused"] - row["quarantined"],
        quarantined=row["quarantined"],
        lease_dead=row["lease_dead"],
    )
    return {name: count for name, count in reasons.items() if count}


def _foreign(row: Row, most: int) -> dict[str, Any]:
    """Say how a queue fares that lives elsewhere; its reasons are those that its counters show."""
    reasons: dict[str, int] = {}
    if row["ready"] and row["is_paused"]:
        reasons = {"paused": row["ready"]}
    elif row["ready"] and row["eligible_workers"] == 0:
        reasons = {"no_eligible_worker": row["ready"]}
    status = "ok"
    if row["is_old"]:
        status = "unknown"
    elif row["is_paused"]:
        status = "paused"
    elif row["stuck"]:
        status = "stuck"
    elif reasons:
        status = "waiting"
    told = _told(row, reasons, status, most)
    return {"origin": row["origin"], **told, "reported_at": row["received_at"], "moved_at": row["moved_at"]}


def _told(row: Row, reasons: dict[str, int], status: str, most: int) -> dict[str, Any]:
    return {
        "kind": row["kind"],
        **{name: row[name] for name in COUNTS},
        **counted(row, "ready", most),
        "oldest_ready_age_s": row["oldest_ready_age_s"],
        "eligible_workers": row["eligible_workers"],
        "waiting_reasons": reasons,
        "status": status,
    }
