"""What people and programs read of the audit trail: a project's rows, the chain's lag, the last verification."""

from __future__ import annotations

import asyncio
import json
import secrets
from typing import Any

from watchkeeper.domain.audit_findings import Verification
from watchkeeper.domain.errors import NotFound, UsageError
from watchkeeper.domain.principals import Principal
from watchkeeper.domain.redaction import Redactor
from watchkeeper.services.audit_keys import AuditFiles
from watchkeeper.services.audit_names import RowNames
from watchkeeper.services.operations import find_job
from watchkeeper.services.private_files import new_private_file
from watchkeeper.storage.database import Connection, Database, Row, fetch, fetch_one, fetch_row

FROM_THE_END = {"timeline": 2**31 - 1, "xid": str(2**63 - 1), "seq": 2**63 - 1}
MAX_PAGE = 1000
REACH = 20_000
"""Rows of all projects that a page looks back through: a filter that matches nothing costs no more than that."""


class AuditReading:
    """Reads the trail and what is known of its chain."""

    def __init__(self, database: Database, files: AuditFiles) -> None:
        self._database = database
        self._files = files
        self._spare = secrets.token_bytes(32)

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

        A page looks REACH rows back at most, so that it may have fewer rows than asked for, or none, and a cursor.
        Raises JobNotFound for a job that is not there, and UsageError for a cursor that no page gave.
        """
        if not 1 <= limit <= MAX_PAGE:
            raise UsageError(f"limit is {limit}; it is from 1 to {MAX_PAGE}")
        async with self._database.transaction() as connection:
            names = await self._names(connection, project_id)
            place = FROM_THE_END if cursor is None else names.place(cursor)
            asked = {"project_id": project_id, "event": event, "actor": actor, **place, "limit": limit + 1}
            end = None
            if job is not None:
                found = await find_job(connection, project_id, job)
                of_job = {"job_seq": found["seq"], "job_id": found["id"]}
                rows = await fetch(connection, "audit_page_of_job", {**asked, **of_job})
            else:
                end = await fetch_one(connection, "audit_reach", {**place, "reach": REACH})
                rows = await fetch(connection, "audit_page", {**asked, **_bound(end)})
        last = rows[limit - 1] if len(rows) > limit else end
        following = None if last is None else names.name(last)
        return [_shown(row, names) for row in rows[:limit]], following

    async def row(self, project_id: str, name: str) -> Row:
        """Give the row that a page names so, and whether it is sealed; raise NotFound."""
        async with self._database.transaction() as connection:
            names = await self._names(connection, project_id)
            try:
                place = names.place(name)
            except UsageError:
                raise NotFound("there is no such audit row here") from None
            row = await fetch_one(connection, "audit_row", {**place, "project_id": project_id})
            if row is None:
                raise NotFound("there is no such audit row here")
            covered = await fetch_row(connection, "audit_covered", place)
        return {**_shown(row, names), "sealed": covered["sealed"]}

    async def _names(self, connection: Connection, project_id: str) -> RowNames:
        """Give what names a project's rows: by its own key where it has one, else for as long as this process lives."""
        asked = {"project_id": project_id, "secret": self._spare}
        row = await fetch_one(connection, "row_name_key", asked)
        return RowNames(self._spare if row is None else bytes(row["secret"]), project_id)

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


def _shown(row: Row, names: RowNames) -> Row:
    shown = {name: row[name] for name in row if name not in ("timeline", "xid")}
    return {"row": names.name(row), **shown}


def _bound(end: Row | None) -> Row:
    if end is None:
        return {"to_timeline": 0, "to_xid": "0", "to_seq": 0}
    return {f"to_{name}": end[name] for name in ("timeline", "xid", "seq")}


NUMBERS = frozenset({"job_seqs", "first_seq", "last_seq"})


def seen_by(principal: Principal, row: Row, redactor: Redactor) -> dict[str, Any]:
    """Give a row as somebody may see it: numbers that all projects share are for principals of the whole."""
    redacted: dict[str, Any] = redactor.redact_data(
        row if principal.project_id is None else _without_numbers(row)
    )
    return redacted


def _without_numbers(row: Row) -> Row:
    data = {name: value for name, value in (row["data"] or {}).items() if name not in NUMBERS}
    if many := (row["data"] or {}).get("job_seqs"):
        data["count"] = len(many)
    shown = {name: value for name, value in row.items() if name not in ("seq", "job_seq")}
    return {**shown, "data": data or None}
