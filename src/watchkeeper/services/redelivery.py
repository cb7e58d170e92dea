"""Hands out again what was claimed when the answer that carried it was lost."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from watchkeeper.domain.claims import ClaimedJob
from watchkeeper.domain.leases import LeaseToken, new_secret
from watchkeeper.storage.database import Connection, Row, fetch, fetch_one


async def unheard(
    connection: Connection,
    project_id: str,
    worker_id: str,
    *,
    held: Sequence[str | UUID],
    kinds: Sequence[str] | None,
    limit: int,
) -> list[ClaimedJob]:
    """Give a runtime worker its unused leases, of these kinds, of other jobs than those it knows it holds.

    Must be called within a transaction.
    """
    rows = await fetch(
        connection,
        "unknown_leases",
        {"project_id": project_id, "worker_id": worker_id, "held": list(held), "limit": limit},
    )
    again = [
        await redeliver(connection, project_id, worker_id, row)
        for row in rows
        if kinds is None or row["kind"] in kinds
    ]
    return [job for jobs in again for job in jobs]


async def redeliver(connection: Connection, project_id: str, worker_id: str, row: Row) -> list[ClaimedJob]:
    """Hand an unused lease out again under a new secret; nothing where it has been used or is gone."""
    token = LeaseToken(row["epoch"], new_secret())
    renewed = await fetch_one(
        connection,
        "redeliver",
        {
            "project_id": project_id,
            "seq": row["seq"],
            "epoch": row["epoch"],
            "token_hash": token.secret_hash,
            "actor": f"worker:{worker_id}",
        },
    )
    if renewed is None:
        return []
    row["lease_expires_at"] = renewed["expires_at"]
    return [ClaimedJob(**row, secret=token.secret, token_hash=token.secret_hash, redelivered=True)]
