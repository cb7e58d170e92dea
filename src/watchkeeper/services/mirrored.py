"""Mirrored jobs: keeps what is reported of a foreign queue's jobs, and where each stands.

A job is made known by the first report that names it. Everything runs in the caller's transaction.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from watchkeeper.domain.errors import JobNotFound, OwnLease, WatchkeeperError
from watchkeeper.domain.jobs import TERMINAL, AttemptCause, JobState
from watchkeeper.domain.kinds import checked_kind_name
from watchkeeper.domain.mirrored import (
    UNKNOWN_KIND,
    AttemptReport,
    LeaseAction,
    LiveAttempt,
    ReportedEnd,
    begins_anew,
    checked_origin,
    decided_end,
    reported_end,
)
from watchkeeper.domain.redaction import MAX_KEPT_CHARS, Redactor
from watchkeeper.services.holding import Caller
from watchkeeper.services.operations import as_uuid
from watchkeeper.storage.database import Connection, Row, fetch, fetch_one

OWN = "own"
EVENTS = {
    JobState.COMPLETED: "complete_succeeded",
    JobState.FAILED: "job_failed",
    JobState.CANCELLED: "job_cancelled",
    JobState.PENDING: "lease_released",
    JobState.STUCK: "mirrored_job_held",
}


@dataclass(frozen=True, slots=True)
class Reporter:
    """Whose project is spoken of, and who speaks. `caller` is what it came with; None is the program itself."""

    project_id: str
    actor: str
    caller: Caller | None = None


class MirroredJobs:
    """The jobs of foreign queues, as reports tell of them."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    async def find(self, connection: Connection, who: Reporter, job: str, origin: str) -> Row | None:
        """Give where a job stands, own or mirrored, and hold it against other reports; None for an unknown one."""
        locked = await fetch_one(
            connection,
            "lock_reported_job",
            {
                "project_id": who.project_id,
                "id": as_uuid(job),
                "origin": checked_origin(origin),
                "external_id": job,
            },
        )
        return None if locked is None else await self._stands(connection, who, locked["seq"])

    async def known(
        self, connection: Connection, who: Reporter, job: str, origin: str, kind: str | None = None
    ) -> Row:
        """Give where a job stands, making a foreign one known that is not."""
        if kind is not None:
            checked_kind_name(kind)
        row = await self.find(connection, who, job, origin)
        if row is None:
            await self._add(connection, who, job, origin, kind or UNKNOWN_KIND, None)
            row = await self.find(connection, who, job, origin)
        if row is None:
            raise JobNotFound
        if kind and row["origin"] != OWN and row["kind"] == UNKNOWN_KIND != kind:
            await fetch(connection, "name_mirrored_kind", _of(who, row) | {"kind": kind})
            row["kind"] = kind
        return row

    async def report(self, connection: Connection, who: Reporter, report: AttemptReport) -> Row:
        """Keep what is said of an attempt, and give where its job stands then; raise OwnLease for an own job."""
        row = await self.known(connection, who, report.job, report.origin, report.kind)
        if row["origin"] == OWN:
            raise OwnLease(job=str(row["id"]))
        if row["ended"]:
            if not _is_another(row, report):
                return row
            row = await self._again(connection, who, row, report)
        if begins_anew(_live(row), report):
            row = await self._open(connection, who, row, report)
        if row["live_epoch"] is None:
            return row
        await fetch(connection, "note_foreign_lease", _of(who, row) | self._said(report))
        if report.error_code:
            await fetch(connection, "tell_watchdog_of_word", _of(who, row) | {"epoch": row["live_epoch"]})
        end = reported_end(report, complete_failed=bool(row["complete_failed"]))
        goes_on = end is None and report.phase is not None
        if row["state"] == JobState.STUCK and (goes_on or (end and end.state is JobState.COMPLETED)):
            # What is seen there counts: the holder goes on with it.
            for state in (JobState.PENDING, JobState.RUNNING):
                await self._move(connection, who, row, ReportedEnd(state, None), event="mirrored_job_resumed")
        if end is not None:
            await self._move(connection, who, row, end, report.error_message, report.error_code)
        return await self._stands(connection, who, row["seq"])

    async def decide(
        self, connection: Connection, who: Reporter, row: Row, action: LeaseAction, reason: str
    ) -> Row:
        """Release, reclaim or mark stale what is reported of a job that has not ended."""
        await self._move(connection, who, row, decided_end(action), reason)
        return await self._stands(connection, who, row["seq"])

    async def _stands(self, connection: Connection, who: Reporter, seq: int) -> Row:
        row = await fetch_one(connection, "reported_job", {"project_id": who.project_id, "seq": seq})
        if row is None:
            raise JobNotFound
        return row

    async def _add(
        self, connection: Connection, who: Reporter, job: str, origin: str, kind: str, retry_of: Any
    ) -> None:
        self._redactor.refuse_in_name("'job_id'", job)
        await fetch(
            connection,
            "add_mirrored_job",
            {
                "project_id": who.project_id,
                "kind": kind,
                "external_id": job,
                "origin": origin,
                "retry_of": retry_of,
                "actor": who.actor,
            },
        )

    async def _again(self, connection: Connection, who: Reporter, row: Row, report: AttemptReport) -> Row:
        """Make the job known anew that the foreign queue does again after its end: nothing leaves an ended state."""
        name, kind = row["external_id"] or report.job, report.kind or row["kind"]
        await fetch(connection, "retire_foreign_id", _of(who, row))
        await self._add(connection, who, name, row["origin"], kind, row["id"])
        again = await self.find(connection, who, name, row["origin"])
        if again is None:
            raise WatchkeeperError("a mirrored job that was just added is not there")
        return again

    async def _open(self, connection: Connection, who: Reporter, row: Row, report: AttemptReport) -> Row:
        if row["state"] != JobState.PENDING:
            lost = ReportedEnd(JobState.PENDING, "lost", AttemptCause.LEASE_LOST)
            await self._move(connection, who, row, lost, event="mirrored_attempt_lost")
        where = _of(who, row)
        # Without a name of its own, an attempt goes by that of the report that began it, which may arrive again.
        named = report.attempt_id or report.report_id
        said = {"worker_id": report.worker_id, "attempt_id": named, "actor": who.actor}
        await fetch(connection, "open_foreign_lease", where | said)
        return await self._stands(connection, who, row["seq"])

    async def _move(
        self,
        connection: Connection,
        who: Reporter,
        row: Row,
        end: ReportedEnd,
        said: str | None = None,
        code: str | None = None,
        event: str | None = None,
    ) -> None:
        where = _of(who, row)
        reason = None if said is None else self._redactor.redact(said)[:MAX_KEPT_CHARS]
        if end.outcome is not None:
            closed = {"outcome": end.outcome, "cause": end.cause}
            await fetch(connection, "end_foreign_lease", where | closed)
        told = {
            "state": end.state,
            "state_reason": end.state_reason,
            "event": event or EVENTS[end.state],
            "reason": reason,
            "actor": who.actor,
        }
        if end.state in TERMINAL:
            outcome = {"code": code, "summary": reason}
            await fetch(connection, "end_mirrored_job", where | told | outcome)
        else:
            detail = None if reason is None and code is None else json.dumps({"reason": reason, "code": code})
            await fetch(connection, "move_mirrored_job", where | told | {"detail": detail})

    def _said(self, report: AttemptReport) -> dict[str, Any]:
        def kept(text: str | None) -> str | None:
            return None if text is None else self._redactor.redact(text)[:MAX_KEPT_CHARS]

        return {
            "attempt_id": report.attempt_id,
            "phase": report.phase,
            "lease_expires_at": report.lease_expires_at,
            "last_heartbeat_at": report.last_heartbeat_at,
            "primary_artifact_ref": kept(report.primary_artifact_ref),
            "complete_status": report.complete_status,
            "error_code": report.error_code,
            "error_message": kept(report.error_message),
        }


def _of(who: Reporter, row: Row) -> dict[str, Any]:
    return {"project_id": who.project_id, "seq": row["seq"]}


def _live(row: Row) -> LiveAttempt | None:
    if row["live_epoch"] is None:
        return None
    return LiveAttempt(row["worker_id"], row["attempt_id"], row["phase"])


def _is_another(row: Row, report: AttemptReport) -> bool:
    """Say whether a report of an ended job tells of an attempt that was not seen before its end."""
    if report.worker_id is None or reported_end(report, complete_failed=False) is not None:
        return False
    known = row["attempt_ids"] or []
    if report.attempt_id is not None:
        return report.attempt_id not in known
    return report.phase == "claim" and report.report_id not in known
