"""`schedules`: what enqueues a job of a kind again and again."""

from __future__ import annotations

from typing import Annotated

import typer

from watchkeeper.interfaces.cli.acting import Act, carry_out, reason_or_default
from watchkeeper.interfaces.cli.client import connected, part
from watchkeeper.interfaces.cli.contract.texts import Texts
from watchkeeper.interfaces.cli.options import DryRun, Json, Project, Reason
from watchkeeper.interfaces.cli.output import show

schedules = typer.Typer(no_args_is_help=True, help="Schedules: list, add, remove.")

COLUMNS = {
    "name": "name",
    "cron": "cron",
    "time zone": "time_zone",
    "kind": "kind",
    "next": "next_at",
    "problem": "problem",
}

Name = Annotated[str, typer.Argument(metavar="NAME", help="The schedule's name.")]


@schedules.command("list")
def list_schedules(project: Project = None, as_json: Json = False) -> None:
    """List the schedules of a project, with their next times."""
    with connected(project) as client:
        rows = client.pages("/api/schedules", "schedules")
    show(
        {"ok": True, "schedules": rows} if as_json else rows,
        as_json=as_json,
        columns=COLUMNS,
        empty="no schedules",
    )


@schedules.command()
def add(
    name: Name,
    cron: Annotated[str, typer.Argument(help="Five fields, e.g. '*/10 8-18 * * 1-5'.")],
    kind: Annotated[str, typer.Argument(help="The kind of the jobs.")],
    payload: Annotated[str, typer.Argument(help="JSON, @FILE, or - for standard input.")] = "{}",
    time_zone: Annotated[str, typer.Option(help="A name of the IANA database, e.g. Asia/Taipei.")] = "UTC",
    project: Project = None,
    reason: Reason = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Make a schedule, or replace the one of its name."""
    given = Texts().json(payload, "PAYLOAD")
    body = {"name": name, "cron": cron, "kind": kind, "payload": given, "time_zone": time_zone}
    body["reason"] = reason_or_default(reason)
    act = Act(f"add schedule {name}", "POST", "/api/schedules", body)
    carry_out(act, project=project, dry_run=dry_run, as_json=as_json)


@schedules.command()
def remove(
    name: Name,
    project: Project = None,
    reason: Reason = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Remove a schedule; the jobs that it made stay."""
    query = {"reason": reason_or_default(reason)}
    act = Act(f"remove schedule {name}", "DELETE", f"/api/schedules/{part(name)}", query=query)
    carry_out(act, project=project, dry_run=dry_run, as_json=as_json)
