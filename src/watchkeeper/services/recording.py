"""Records what is reported from outside: heartbeats, phases, commands, checks, attempts, a foreign queue's counters.

A list is kept in one transaction, whole or not at all. A record that brings an id is kept once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from watchkeeper.domain.errors import OwnLease
from watchkeeper.domain.json_in_text import last_object
from watchkeeper.domain.kinds import checked_kind_name
from watchkeeper.domain.mirrored import AttemptReport, checked_origin
from watchkeeper.domain.redaction import Redactor
from watchkeeper.domain.reports import CommandRun, Counters, Heartbeat, OutsideCheck, WorkerRun
from watchkeeper.services.mirrored import OWN, MirroredJobs, Reporter
from watchkeeper.services.requests import requests_of
from watchkeeper.services.witnesses import demand_own_voice, holder_of
from watchkeeper.storage.database import Connection, Database, Row, fetch, fetch_one, fetch_row

Said = TypeVar("Said", WorkerRun, CommandRun)
Record = Heartbeat | Counters | WorkerRun | CommandRun | OutsideCheck | AttemptReport

CONTEXT_PHASES = frozenset({"context", "reading_context"})
UNTOLD_PHASES = frozenset({"doctor", "touch", "claim", "complete", "verify"})
"""Phases that the trail tells of in another row, or in none."""


class Recording:
    """Keeps records of one database. `statuses` are those with which an artifact counts as opened."""

    def __init__(
        self,
        database: Database,
        redactor: Redactor,
        mirrored: MirroredJobs,
        statuses: Callable[[], Collection[int]],
    ) -> None:
        self._database = database
        self._redactor = redactor
        self._mirrored = mirrored
        self._statuses = statuses

    async def record(self, who: Reporter, records: Sequence[Record]) -> list[dict[str, Any]]:
        """Keep records in order and give what each came to.

        Raises OwnLease where an attempt or a check is one of an own job (what the own queue knows is not reported), and
        where who speaks of a command or a phase of an own job does not hold it.
        """
        async with self._database.transaction() as connection:
            return [await self._one(connection, who, record) for record in records]

    async def _one(self, connection: Connection, who: Reporter, record: Record) -> dict[str, Any]:
        match record:
            case Heartbeat():
                return await self._heartbeat(connection, who, record)
            case Counters():
                return await self._counters(connection, who, record)
            case WorkerRun():
                return await self._run(connection, who, record)
            case CommandRun():
                return await self._command(connection, who, record)
            case OutsideCheck():
                return await self._check(connection, who, record)
            case AttemptReport():
                return await self._attempt(connection, who, record)

    async def _heartbeat(self, connection: Connection, who: Reporter, beat: Heartbeat) -> dict[str, Any]:
        job = await self._job(connection, who, beat)
        if job is not None and job["origin"] != OWN and not job["ended"]:
            report = AttemptReport(
                str(job["id"]),
                beat.worker_id,
                beat.origin,
                attempt_id=beat.attempt_id,
                lease_expires_at=beat.lease_expires_at,
            )
            job = await self._mirrored.report(connection, who, report)
        said = {name: getattr(beat, name) for name in ("worker_id", "automation_id", "doctor_ok", "touch_ok")}
        seen = {
            "project_id": who.project_id,
            "origin": checked_origin(beat.origin),
            "found_no_job": beat.found_no_job,
            "has_job": beat.job is not None,
        }
        answers = self._redactor.redact_data(dict(beat.answers)) if beat.answers else None
        doctor = None if answers is None or "doctor" not in answers else json.dumps(answers["doctor"])
        worker = await fetch_row(connection, "see_foreign_worker", {**said, **seen, "doctor_answer": doctor})
        said["answers"] = None if answers is None else json.dumps(answers, ensure_ascii=False)
        for name in ("status", "claim_ok", "lease_expires_at"):
            said[name] = getattr(beat, name)
        kept = await self._keep(connection, "record_reported_heartbeat", who, beat, job, said)
        wishes = {
            name: worker[name] for name in ("no_job_count", "stopped", "stop_reason", "touch_requested")
        }
        requested = await requests_of(
            connection, who.project_id, beat.worker_id, is_foreign=worker["is_foreign"]
        )
        return {**kept, **wishes, "requested": requested, **_standing(job)}

    async def _counters(self, connection: Connection, who: Reporter, counters: Counters) -> dict[str, Any]:
        common = {
            "project_id": who.project_id,
            "origin": checked_origin(counters.origin),
            "actor": who.actor,
            "reported_at": counters.reported_at,
        }
        for queue in counters.queues:
            checked_kind_name(queue.kind)
            said = {name: getattr(queue, name) for name in queue.__dataclass_fields__}
            await fetch(connection, "record_foreign_queue", common | said)
        return {"origin": counters.origin, "queues": len(counters.queues)}

    async def _run(self, connection: Connection, who: Reporter, run: WorkerRun) -> dict[str, Any]:
        job = await self._job(connection, who, run)
        run, job = await _believed(connection, who, run, job)
        if job is not None and job["origin"] != OWN and not job["ended"]:
            report = AttemptReport(
                str(job["id"]),
                run.worker_id,
                run.origin,
                run.kind,
                run.attempt_id,
                run.phase,
                complete_status="stuck" if run.status == "stuck" else None,
                error_message=run.message if run.status == "stuck" else None,
            )
            job = await self._mirrored.report(connection, who, report)
        kept = await self._keep_run(connection, who, run, job)
        requested = await _requested(connection, who, run, job)
        return {**kept, "requested": requested, **_standing(job)}

    async def _keep_run(
        self, connection: Connection, who: Reporter, run: WorkerRun, job: Row | None
    ) -> dict[str, Any]:
        taken = set(run.redacted)
        payload = None if run.payload is None else self._data(run.payload, taken)
        said = {
            "worker_id": run.worker_id,
            "epoch": job and job["epoch"],
            "phase": run.phase,
            "status": run.status,
            "message": self._text(run.message, taken),
            "payload": payload,
            "redacted": sorted(taken),
            "seconds": run.seconds,
            "is_over": run.ended_at is not None or run.started_at is None,
            "reported_at": run.ended_at or run.started_at,
            "event": _event_of(run),
        }
        return await self._keep(connection, "record_reported_run", who, run, job, said)

    async def _attempt(self, connection: Connection, who: Reporter, report: AttemptReport) -> dict[str, Any]:
        before = await self._mirrored.known(connection, who, report.job, report.origin, report.kind)
        job = await self._mirrored.report(connection, who, report)
        is_another = (before["seq"], before["epoch"]) != (job["seq"], job["epoch"])
        taken = set(report.redacted)
        message = self._text(report.error_message, taken)
        is_news = report.phase and (is_another or before["phase"] != report.phase)
        if report.worker_id and (is_news or taken):
            status = "stuck" if job["state"] == "stuck" else "failed" if report.error_code else "ok"
            phase = report.phase or "end"
            run = WorkerRun(
                report.worker_id, phase, status, report.job, message=message, redacted=sorted(taken)
            )
            await self._keep_run(connection, who, run, job)
        return _standing(job)

    async def _command(self, connection: Connection, who: Reporter, run: CommandRun) -> dict[str, Any]:
        job = await self._job(connection, who, run)
        run, job = await _believed(connection, who, run, job)
        taken = set(run.redacted)
        output = self._text(run.output, taken)
        said = {
            "worker_id": run.worker_id,
            "command": run.command,
            "exit_code": run.exit_code,
            "output": output,
            "output_hash": run.output_hash if output is None else _sha256(output),
            "error_code": run.error_code or _refused(run, job, output),
            "redacted": sorted(taken),
        }
        kept = await self._keep(connection, "record_reported_command", who, run, job, said)
        requested = await _requested(connection, who, run, job)
        return {**kept, "output_hash": said["output_hash"], "requested": requested, **_standing(job)}

    async def _check(self, connection: Connection, who: Reporter, check: OutsideCheck) -> dict[str, Any]:
        job = await self._mirrored.known(connection, who, check.job, check.origin, check.kind)
        if job["origin"] == OWN:
            raise OwnLease("the gate checks the own queue's jobs itself", job=str(job["id"]))
        files, failed = self._data(list(check.files)), self._data(list(check.failed))
        passed = check.passed(frozenset(self._statuses()))
        output = self._text(check.output)
        found = (
            output if output is not None else f"{check.primary_url}\n{check.http_status}\n{files}\n{failed}"
        )
        said = {
            "seq": job["seq"],
            "epoch": job["epoch"],
            "command": check.command,
            "primary_url": self._text(check.primary_url),
            "http_status": check.http_status,
            "file_count": check.file_count,
            "files": files,
            "failed": failed,
            "passed": passed,
            "output_hash": check.output_hash if output is None and check.output_hash else _sha256(found),
        }
        kept = await self._keep(connection, "record_reported_check", who, check, job, said)
        return {**kept, "passed": passed, **_standing(job)}

    async def _job(
        self, connection: Connection, who: Reporter, record: Heartbeat | WorkerRun | CommandRun
    ) -> Row | None:
        if record.job is None:
            return None
        return await self._mirrored.known(connection, who, record.job, record.origin, record.kind)

    async def _keep(
        self,
        connection: Connection,
        query: str,
        who: Reporter,
        record: Record,
        job: Row | None,
        said: Mapping[str, Any],
    ) -> dict[str, Any]:
        """Write one row down; `existing` says that its id was kept before."""
        given = {
            "project_id": who.project_id,
            "actor": who.actor,
            "id": getattr(record, "id", None),
            "job_id": job and job["id"],
            "seq": job and job["seq"],
            "reported_at": getattr(record, "reported_at", None),
        }
        row = await fetch_one(connection, query, given | dict(said))
        return {"id": given["id"] if row is None else row["id"], "existing": row is None}

    def _text(self, text: str | None, taken: set[str] | None = None) -> str | None:
        return None if text is None else self._redactor.kept(text, taken=taken)

    def _data(self, data: Any, taken: set[str] | None = None) -> str:
        return json.dumps(self._redactor.redact_data(data, taken), ensure_ascii=False)


async def _believed(
    connection: Connection, who: Reporter, said: Said, job: Row | None
) -> tuple[Said, Row | None]:
    """Give a record and its job under the name of who was proven to hold it; raise OwnLease for somebody else's."""
    holder = await holder_of(connection, who.caller, job)
    if holder is None or job is None:
        if job is None:
            await demand_own_voice(connection, who.caller, said.worker_id)
        return said, job
    return replace(said, worker_id=holder.worker_id), {**job, "epoch": holder.epoch}


async def _requested(
    connection: Connection, who: Reporter, said: WorkerRun | CommandRun, job: Row | None
) -> list[dict[str, Any]]:
    """Give what is asked of who works at a foreign job; a worker of our own learns it from the contract's answers."""
    if job is None or job["origin"] == OWN or said.worker_id is None:
        return []
    return await requests_of(connection, who.project_id, said.worker_id, is_foreign=True)


def _refused(run: CommandRun, job: Row | None, output: str | None) -> str | None:
    """Name as refused a foreign completion whose exit code says nothing of it, and whose answer is no."""
    found = last_object(output or "") if run.command == "complete" and job and job["origin"] != OWN else None
    return "refused" if found is not None and found[1].get("ok") is False else None


def _event_of(run: WorkerRun) -> str | None:
    """Name what the audit trail is told of a phase; None for one that it learns otherwise, or that went wrong."""
    if run.job is None or run.status not in ("ok", "retried") or run.phase in UNTOLD_PHASES:
        return None
    return "context_read" if run.phase in CONTEXT_PHASES else "progress_written"


def _standing(job: Row | None) -> dict[str, Any]:
    if job is None:
        return {"job": None}
    return {
        "job": {
            "id": job["id"],
            "origin": job["origin"],
            "external_id": job["external_id"],
            "state": job["ended"] or job["state"],
            "attempt": job["epoch"],
        }
    }


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
