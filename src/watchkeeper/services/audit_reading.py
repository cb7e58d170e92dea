"""What people and programs read of the audit trail: a project's rows, the chain's lag, the last verification."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

from watchkeeper.domain.audit_chain import Position
from watchkeeper.domain.audit_findings import Verification
from watchkeeper.domain.errors import UsageError
from watchkeeper.services.audit_keys import AuditFiles
from watchkeeper.services.operations import find_job
from watchkeeper.storage.database import Database, Row, fetch, fetch_row

FROM_THE_END = Position(2**31 - 1, 2**63 - 1, 2**63 - 1)
MAX_PAGE = 1000
_CURSOR = re.compile(r"([0-9]{1,9})-([0-9]{1,18})-([0-9]{1,18})")


class AuditReading:
    """Reads the trail and what is known of its chain."""

    def __init__(self, database: Database, files: AuditFiles) -> None:
        self._database = database
        self._files = files

    async def page(
        self,
        project_id: str,
        *,
        event: str | None = None,
        actor: str | None = None,
        job: str | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> tuple[list[Row], str | None]:
        """Give a page of a project's rows, the newest first, and the next page's cursor (None at the end).

        Raises JobNotFound for a job that is not there, and UsageError for a cursor that no page gave.
        """
        if not 1 <= limit <= MAX_PAGE:
            raise UsageError(f"limit is {limit}; it is from 1 to {MAX_PAGE}")
        behind = FROM_THE_END if cursor is None else _position(cursor)
        async with self._database.transaction() as connection:
            job_seq = None if job is None else (await find_job(connection, project_id, job))["seq"]
            where = {"project_id": project_id, "event": event, "actor": actor, "job_seq": job_seq}
            place = {"timeline": behind.timeline, "xid": str(behind.xid), "seq": behind.seq}
            rows = await fetch(connection, "audit_page", {**where, **place, "limit": limit + 1})
        following = None
        if len(rows) > limit:
            last = rows[limit - 1]
            following = f"{last['timeline']}-{last['xid']}-{last['seq']}"
        return [
            {name: row[name] for name in row if name not in ("timeline", "xid")} for row in rows[:limit]
        ], following

    async def lag(self) -> Row:
        """Say how far the chain is behind: its head, what is unsealed (of at most 10,000 rows), for how long."""
        return await self._database.fetch_row("audit_lag")

    async def state(self) -> dict[str, Any]:
        """Give the lag, and what the last verification on this machine found; None where there was none."""
        return {"chain": await self.lag(), "verification": await asyncio.to_thread(self._last_verification)}

    async def remember(self, report: Verification) -> None:
        """Keep what a verification found, where the database's owner cannot change it."""
        async with self._database.transaction() as connection:
            clock = await fetch_row(connection, "clock")
        document = json.dumps({"at": clock["now"].isoformat(), **report.to_json()})
        fresh = self._files.verified.with_suffix(".new")
        await asyncio.to_thread(fresh.write_text, document, encoding="utf-8")
        fresh.replace(self._files.verified)

    def _last_verification(self) -> Any:
        try:
            return json.loads(self._files.verified.read_text(encoding="utf-8"))
        except (FileNotFoundError, PermissionError, ValueError):
            return None


def _position(cursor: str) -> Position:
    if (match := _CURSOR.fullmatch(cursor)) is None:
        raise UsageError("the cursor is none that a page gave")
    return Position(*map(int, match.groups()))
