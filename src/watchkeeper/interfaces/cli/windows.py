"""`window`: maintenance windows, which grant acting on a host for a while."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer

from watchkeeper.domain.errors import UsageError
from watchkeeper.interfaces.cli.acting import Act, carry_out, reason_or_default
from watchkeeper.interfaces.cli.client import connected, part
from watchkeeper.interfaces.cli.options import DryRun, Json, Project, Reason
from watchkeeper.interfaces.cli.output import show

window = typer.Typer(no_args_is_help=True, help="Maintenance windows: list, open, close.")

COLUMNS = {
    "id": "id",
    "host": "host_id",
    "state": "state",
    "from": "starts_at",
    "to": "ends_at",
    "by": "opened_by",
    "reason": "reason",
}


@window.command("list")
def list_windows(project: Project = None, as_json: Json = False) -> None:
    """List the maintenance windows of a project, the newest first."""
    with connected(project) as client:
        answer = client.get("/api/maintenance-windows")
    rows = answer["maintenance_windows"]
    show(answer if as_json else rows, as_json=as_json, columns=COLUMNS, empty="no maintenance windows")


@window.command("open")
def open_window(
    hours: Annotated[float, typer.Argument(help="How long it is open.")],
    host: Annotated[str | None, typer.Option(help="Only this host; every host by default.")] = None,
    begins: Annotated[
        str | None, typer.Option(help="When, with its zone (ISO 8601); at once by default.")
    ] = None,
    reason: Reason = None,
    project: Project = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Open a maintenance window: a grant to act on a host for a while. It silences nothing."""
    body: dict[str, Any] = {"hours": hours, "reason": reason_or_default(reason)}
    if host is not None:
        body["host_id"] = host
    if begins is not None:
        body["starts_at"] = _time(begins)
    act = Act(f"open a maintenance window of {hours:g} hours", "POST", "/api/maintenance-windows", body)
    carry_out(act, project=project, dry_run=dry_run, as_json=as_json)


@window.command("close")
def close_window(
    window_id: Annotated[str, typer.Argument(metavar="WINDOW", help="The id that 'window list' shows.")],
    reason: Reason = None,
    project: Project = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Close a maintenance window before its end."""
    path = f"/api/maintenance-windows/{part(window_id)}/close"
    body = {"reason": reason_or_default(reason)}
    act = Act(f"close the maintenance window {window_id}", "POST", path, body)
    carry_out(act, project=project, dry_run=dry_run, as_json=as_json)


def _time(text: str) -> str:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no time", hint="Such as 2026-11-21T22:00+08:00.") from None
    if time.tzinfo is None:
        raise UsageError("the time names no zone", hint="Such as 2026-11-21T22:00+08:00.")
    return text
