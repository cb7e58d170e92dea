"""What a terminal command answers when it is repeated: the closed attempt, found by its token, is the record."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from watchkeeper.domain.artifacts import ClaimedArtifact, hash_of
from watchkeeper.domain.errors import GateFailed, StaleLease
from watchkeeper.domain.jobs import AttemptCause, StateReason
from watchkeeper.services.holding import Claim
from watchkeeper.storage.database import Database, Row


async def completed_before(
    database: Database, project_id: str, claim: Claim, claimed: Sequence[ClaimedArtifact] | None = None
) -> dict[str, Any] | None:
    """Give the answer to a completion under this very token, None where there was none.

    Raises GateFailed, with the checks that failed then, where it was blocked with the artifacts that are `claimed` now,
    and StaleLease where it was blocked with others: their failures would lead to mending the wrong thing.
    """
    ended = await _ended(database, project_id, claim, None if claimed is None else hash_of(claimed))
    if ended is None:
        return None
    if _is_blocked(ended):
        if ended["failed"] is None and claimed is not None:
            raise StaleLease
        raise GateFailed(failed=ended["failed"] or [], status=ended["answer"]["status"])
    if ended["outcome"] != "completed":
        return None
    return {"status": "completed", "verified": ended["verified"]}


async def ended_before(database: Database, project_id: str, claim: Claim) -> dict[str, Any] | None:
    """Give the answer to `fail` or `release` under this very token, None where there was none.

    What an operator or the reaper ended is no answer of the holder's, but a cancelled job is: its holder was asked.
    """
    ended = await _ended(database, project_id, claim)
    if ended is None or ended["outcome"] == "completed" or _is_blocked(ended):
        return None
    if ended["outcome"] != "cancelled" and not str(ended["answer"].get("by")).startswith("worker:"):
        return None
    next_run_at = ended["answer"]["next_run_at"]
    return {
        "status": ended["answer"]["status"],
        "next_run_at": None if next_run_at is None else datetime.fromisoformat(next_run_at),
    }


async def told_end(database: Database, project_id: str, claim: Claim) -> str | None:
    """Give the state to which the holder itself ended the attempt, None where it was taken away or goes on."""
    try:
        told = await completed_before(database, project_id, claim)
    except GateFailed as blocked:
        return str(blocked.details["status"])
    told = told or await ended_before(database, project_id, claim)
    return None if told is None else str(told["status"])


def _is_blocked(ended: Row) -> bool:
    """Say whether a completion was what ended the attempt, over evidence that failed."""
    refused = (ended["answer"] or {}).get("state_reason") == StateReason.CONTRACT_REJECTED
    return ended["cause"] == AttemptCause.GATE and not refused


async def _ended(
    database: Database, project_id: str, claim: Claim, claimed_hash: str | None = None
) -> Row | None:
    return await database.fetch_one(
        "ended_attempt",
        {
            "project_id": project_id,
            "seq": claim.seq,
            "epoch": claim.epoch,
            "token_hash": claim.token_hash,
            "claimed_hash": claimed_hash,
        },
    )
