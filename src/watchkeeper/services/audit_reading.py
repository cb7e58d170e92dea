"""What people and programs read of the audit trail: a project's rows, the chain's lag, the last verification."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from watchkeeper.domain.audit_findings import Verification
from watchkeeper.domain.errors import UsageError
from watchkeeper.services.audit_keys import AuditFiles
from watchkeeper.services.operations import find_job
from watchkeeper.services.private_files import new_private_file
from watchkeeper.storage.database import Connection, Database, Row, fetch, fetch_one, fetch_row

FROM_THE_END = {"timeline": 2**31 - 1, "xid": str(2**63 - 1), "seq": 2**63 - 1}
MAX_PAGE = 1000
_CURSOR = re.compile(r"([0-9]{1,17})-([0-9]{1,9})")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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
        async with self._database.transaction() as connection:
            job_seq = None if job is None else (await find_job(connection, project_id, job))["seq"]
            where = {"project_id": project_id, "event": event, "actor": actor, "job_seq": job_seq}
            place = FROM_THE_END if cursor is None else await _place(connection, project_id, cursor)
            rows = await fetch(connection, "audit_page", {**where, **place, "limit": limit + 1})
            following = await _cursor(connection, project_id, rows[limit - 1]) if len(rows) > limit else None
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
        await asyncio.to_thread(self._keep, document)

    def _keep(self, document: str) -> None:
        fresh = self._files.verified.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        with new_private_file(fresh) as file:
            file.write(document.encode())
        fresh.replace(self._files.verified)

    def _last_verification(self) -> Any:
        try:
            return json.loads(self._files.verified.read_text(encoding="utf-8"))
        except (FileNotFoundError, PermissionError, ValueError):
            return None


async def _cursor(connection: Connection, project_id: str, row: Row) -> str:
    """Name a row by its time and its rank among the project's rows of that time: numbers of this project alone."""
    ranked = await fetch_row(connection, "audit_rank", {**row, "project_id": project_id})
    return f"{(row['at'] - _EPOCH) // timedelta(microseconds=1)}-{ranked['rank']}"


async def _place(connection: Connection, project_id: str, cursor: str) -> Row:
    if (match := _CURSOR.fullmatch(cursor)) is None:
        raise UsageError("the cursor is none that a page gave")
    at = _EPOCH + timedelta(microseconds=int(match[1]))
    named = {"project_id": project_id, "at": at, "rank": int(match[2])}
    if (place := await fetch_one(connection, "audit_place", named)) is None:
        raise UsageError("the row at which the page before ended is gone", hint="List from the begin again.")
    return place
