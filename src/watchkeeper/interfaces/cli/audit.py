"""`audit`: the sealed audit trail, at the machine that has its key and anchor."""

from __future__ import annotations

import asyncio
import gzip
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import IO, Annotated, Any, cast

import typer

from watchkeeper.app import whole as root
from watchkeeper.domain.audit_findings import Verification
from watchkeeper.domain.errors import UsageError
from watchkeeper.interfaces.cli.acting import reason_or_default
from watchkeeper.interfaces.cli.client import connected, part
from watchkeeper.interfaces.cli.local import with_database
from watchkeeper.interfaces.cli.options import DryRun, Json, Project, Reason
from watchkeeper.interfaces.cli.output import show, write
from watchkeeper.interfaces.cli.starting import begin, note
from watchkeeper.services.audit_archive import Archived
from watchkeeper.services.audit_export import Write
from watchkeeper.services.audit_export import export as export_rows
from watchkeeper.services.audit_file import verify_file
from watchkeeper.services.audit_keys import AuditFiles, trusted_keys
from watchkeeper.services.audit_timeline import begin_timeline
from watchkeeper.services.private_files import new_private_file
from watchkeeper.services.report_tables import AUDIT_COLUMNS
from watchkeeper.services.report_tables import as_csv as as_csv_text
from watchkeeper.settings import Settings

audit = typer.Typer(
    no_args_is_help=True, help="The sealed audit trail: list, show, verify, export, archive, timeline."
)

FOUND_EXIT = 3
LAST_SEAL = 2**63 - 1


class Form(StrEnum):
    JSONL = "jsonl"
    CLOUDEVENTS = "cloudevents"


ACTOR = "system:cli"
COLUMNS = {
    "what": "what",
    "seal": "seal",
    "row": "row",
    "timeline": "timeline",
    "xid": "xid",
    "seq": "seq",
    "": "detail",
}


ROWS = {"row": "row", "at": "at", "event": "event", "actor": "actor", "job": "job_id", "reason": "reason"}


@audit.command("list")
def list_rows(
    event: Annotated[str | None, typer.Option(help="Only this event.")] = None,
    actor: Annotated[str | None, typer.Option(help="Only what this one did.")] = None,
    job: Annotated[str | None, typer.Option(help="Only rows of this job.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Rows at most.")] = 100,
    project: Project = None,
    as_json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the rows as CSV.")] = False,
) -> None:
    """List a project's audit rows, the newest first."""
    rows: list[Any] = []
    cursor: str | None = None
    with connected(project) as client:
        while len(rows) < limit:
            asked = {"event": event, "actor": actor, "job": job, "limit": limit - len(rows), "cursor": cursor}
            answer = client.get("/api/audit", **asked)
            rows += answer["events"]
            if (cursor := answer["next_cursor"]) is None:
                break
    if as_csv:
        write(as_csv_text(AUDIT_COLUMNS, rows).rstrip())
        return
    show({"ok": True, "events": rows} if as_json else rows, as_json=as_json, columns=ROWS, empty="no rows")


@audit.command("show")
def show_row(
    row: Annotated[str, typer.Argument(metavar="ROW", help="What 'audit list' names it.")],
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Show one row whole, and whether a seal covers it."""
    with connected(project) as client:
        answer = client.get(f"/api/audit/rows/{part(row)}")
    show(answer if as_json else answer["event"], as_json=as_json)


@audit.command()
def verify(
    file: Annotated[
        Path | None, typer.Option("--file", help="An export or archive instead of the database.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Verify the whole trail: rows, seals, signatures, anchor. Exit code 3 when something is wrong."""
    settings = begin()
    if file is not None:
        report = verify_file(file, trusted_keys(AuditFiles.of(settings)))
    else:
        with with_database(settings, note) as complete:
            report = asyncio.run(_verify(complete))
    _tell(report, as_json=as_json)
    if not report.ok:
        raise typer.Exit(FOUND_EXIT)


@audit.command()
def timeline(
    restored_from: Annotated[
        str,
        typer.Option("--reason", help="Where the data came from, or why the key is new: kept in the trail."),
    ],
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Go on sealing after the database was restored by other means than 'db restore', or with a new key."""
    settings = begin()
    if dry_run:
        sentence = "seal what is unsealed with the key of this home, abandon later anchored heads, begin a new timeline"
        plan = {"ok": True, "dry_run": True, "would": sentence}
        show(plan if as_json else None, as_json=as_json, empty=f"would {sentence}; nothing was done")
        return
    with with_database(settings, note) as complete:
        number = asyncio.run(_begin_timeline(complete, restored_from))
    show(
        {"ok": True, "timeline": number} if as_json else None,
        as_json=as_json,
        empty=f"timeline {number} began",
    )


@audit.command()
def export(
    first: Annotated[int, typer.Option("--from-seal", min=1, help="The first seal.")] = 1,
    last: Annotated[int | None, typer.Option("--to-seal", min=1, help="The last seal.")] = None,
    form: Annotated[
        Form, typer.Option("--format", help="JSON lines with seals, or CloudEvents 1.0.")
    ] = Form.JSONL,
    out: Annotated[
        Path | None, typer.Option("--out", help="A new file; '.gz' packs it. Else stdout.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write sealed rows with their seals, enough to verify them with the public key alone."""
    if out is None and as_json:
        raise UsageError("--json tells of a file; name it with --out")
    arguments = {"first": first, "last": last or LAST_SEAL, "cloudevents": form is Form.CLOUDEVENTS}
    with with_database(begin(), note) as settings, _written(out) as file:
        rows = asyncio.run(_export(settings, file.write, arguments))
    if out is not None:
        answer = {"ok": True, "rows": rows, "file": str(out)}
        show(answer if as_json else None, as_json=as_json, empty=f"{rows:,} rows in {out}")


@audit.command()
def archive(
    month: Annotated[str, typer.Argument(metavar="YYYY-MM", help="A month that is over and sealed.")],
    reason: Reason = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Move a whole month of the trail into a file, with a signed checkpoint, and drop its partition."""
    day = _month(month)
    with with_database(begin(), note) as settings:
        done = asyncio.run(_archive(settings, day, reason_or_default(reason), dry_run=dry_run))
    if isinstance(done, str):
        plan = {"ok": True, "dry_run": True, "would": f"archive and drop {done}"}
        show(
            plan if as_json else None,
            as_json=as_json,
            empty=f"would archive and drop {done}; nothing was done",
        )
        return
    answer = {"ok": True, **asdict(done)}
    text = f"{done.rows:,} rows in {done.file} (SHA-256 {done.file_sha256}); {done.partition} is dropped"
    show(answer if as_json else None, as_json=as_json, empty=text)


def _tell(report: Verification, *, as_json: bool) -> None:
    if as_json:
        show(report.to_json(), as_json=True)
        return
    rows = f"{report.rows:,} rows" + (
        f" and {report.archived_rows:,} archived ones" if report.archived_rows else ""
    )
    write(f"{report.seals:,} seals over {rows}; head {report.head or 'none'}")
    for name, detail in report.notes:
        write(f"{name}: {detail}")
    if report.ok:
        write("nothing is wrong")
        return
    write(f"{report.found:,} findings, the first {len(report.findings)}:")
    show(
        [finding.to_json() for finding in report.findings],
        as_json=False,
        columns=COLUMNS,
    )


async def _verify(settings: Settings) -> Verification:
    async with root.running(settings, migrated=False) as app:
        report = await app.audit_verifier.verify()
        await app.audit_reading.remember(report)
        return report


async def _begin_timeline(settings: Settings, restored_from: str) -> int:
    async with root.running(settings) as app, app.database.transaction() as connection:
        return await begin_timeline(connection, restored_from, files=app.audit_files, actor=ACTOR)


async def _export(settings: Settings, write: Write, arguments: dict[str, Any]) -> int:
    async with root.running(settings, migrated=False) as app:
        return await export_rows(app.database, write, **arguments)


async def _archive(settings: Settings, month: date, reason: str, *, dry_run: bool) -> Archived | str:
    async with root.running(settings) as app:
        if dry_run:
            return await app.audit_archive.look(month)
        return await app.audit_archive.archive(month, actor=ACTOR, reason=reason)


def _month(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC).date()
    except ValueError:
        raise UsageError(f"{text!r} is no month; one is written as 2026-10") from None


@contextmanager
def _written(path: Path | None) -> Iterator[IO[bytes]]:
    if path is None:
        yield sys.stdout.buffer
        return
    try:
        plain = new_private_file(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error
    with plain:
        if path.suffix != ".gz":
            yield plain
            return
        with gzip.GzipFile(filename="", mode="wb", fileobj=plain, mtime=0) as packed:
            yield cast("IO[bytes]", packed)
