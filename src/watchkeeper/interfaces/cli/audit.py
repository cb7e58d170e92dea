"""`audit`: the sealed audit trail, at the machine that has its key and anchor."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from watchkeeper import app as root
from watchkeeper.domain.audit_findings import Verification
from watchkeeper.interfaces.cli.local import with_database
from watchkeeper.interfaces.cli.options import DryRun, Json
from watchkeeper.interfaces.cli.output import show, write
from watchkeeper.interfaces.cli.starting import begin, note
from watchkeeper.services.audit_timeline import begin_timeline
from watchkeeper.settings import Settings

audit = typer.Typer(no_args_is_help=True, help="The sealed audit trail: verify, timeline.")

FOUND_EXIT = 3
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


@audit.command()
def verify(as_json: Json = False) -> None:
    """Verify the whole trail: rows, seals, signatures, anchor. Exit code 3 when something is wrong."""
    with with_database(begin(), note) as settings:
        report = asyncio.run(_verify(settings))
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
        return await app.audit_verifier.verify()


async def _begin_timeline(settings: Settings, restored_from: str) -> int:
    async with root.running(settings) as app, app.database.transaction() as connection:
        return await begin_timeline(connection, restored_from, files=app.audit_files, actor=ACTOR)
