"""Completions that came too late: kept, with their artifacts, for a person, read by one and decided.

After a restore they also come from claims that the restored database has never seen, and of jobs that it has never
seen. These cannot be checked against a record, so they are kept up to a bound, from workers of the project alone.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from watchkeeper.domain.errors import Conflict, NotFound, StaleLease
from watchkeeper.domain.jobs import LateVerdict
from watchkeeper.domain.leases import LeaseToken
from watchkeeper.services.enqueueing import json_text
from watchkeeper.services.holding import Caller, Claim
from watchkeeper.services.operations import as_uuid
from watchkeeper.storage.database import Database, Row, fetch_one

MOST_UNKNOWN = 1000
"""Undecided items of claims that this database does not know, for each project."""


class LateCompletions:
    """Keeps and lists what came too late."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, caller: Caller, claim: Claim, command: str, body: dict[str, Any]) -> bool:
        """Keep a command of a lease that was lost; say whether it was kept. The same one is kept once."""
        held = {
            "project_id": caller.project_id,
            "seq": claim.seq,
            "epoch": claim.epoch,
            "command": command,
            "body": json_text(body, "completion"),
        }
        reason = "the lease was lost before the completion arrived"
        lost = {**held, "token_hash": claim.token_hash, "reason": reason}
        if await self._database.fetch("keep_late_completion", lost):
            return True
        return await self._keep_unknown(held, claim.job_id, "the restored database does not know this claim")

    async def keep_unknown_job(self, caller: Caller, job: str, command: str, body: dict[str, Any]) -> bool:
        """Keep a command for a job that is not here, where a restore may have lost it; say whether it was kept."""
        job_id = as_uuid(job)
        if job_id is None or not caller.lease_token:
            return False
        try:
            epoch = LeaseToken.parse(caller.lease_token).epoch
        except StaleLease:
            return False
        held = {
            "project_id": caller.project_id,
            "seq": None,
            "epoch": epoch,
            "command": command,
            "body": json_text(body, "completion"),
        }
        return await self._keep_unknown(held, str(job_id), "the restored database does not know this job")

    async def _keep_unknown(self, held: dict[str, Any], job_id: str, reason: str) -> bool:
        unknown = {**held, "job_id": job_id, "reason": reason, "most": MOST_UNKNOWN}
        return bool(await self._database.fetch("keep_unknown_completion", unknown))

    async def decide(
        self, project_id: str, item: UUID, verdict: LateVerdict, *, actor: str, reason: str
    ) -> Row:
        """Keep a person's verdict; the job stays as it is, since only the gate completes one.

        Raises NotFound, and Conflict where somebody has decided before.
        """
        where = {"project_id": project_id, "id": item}
        decided = {**where, "verdict": verdict.value, "actor": actor, "reason": reason}
        async with self._database.transaction() as connection:
            if (row := await fetch_one(connection, "decide_late_completion", decided)) is not None:
                return row
            if (found := await fetch_one(connection, "find_late_completion", where)) is None:
                raise NotFound("there is no such late completion here")
        raise Conflict(f"{found['decided_by']} decided on it before: {found['decision']}")

    async def list(self, project_id: str, limit: int) -> list[Row]:
        """Give what nobody has decided yet, the newest first."""
        return await self._database.fetch("undecided_completions", {"project_id": project_id, "limit": limit})
