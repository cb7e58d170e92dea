"""`projects`: the tenants of this installation."""

from __future__ import annotations

from typing import Annotated

import typer

from watchkeeper.interfaces.cli.acting import Act, carry_out, reason_or_default
from watchkeeper.interfaces.cli.client import connected, part
from watchkeeper.interfaces.cli.options import DryRun, Json, Reason
from watchkeeper.interfaces.cli.output import show
from watchkeeper.interfaces.cli.removal import remove_project

projects = typer.Typer(no_args_is_help=True, help="Projects: list, create, pause, resume, remove.")

COLUMNS = {
    "project": "project_id",
    "title": "title",
    "pending": "pending",
    "or more": "capped",
    "running": "running",
    "stuck": "stuck",
    "paused": "paused",
    "workers": "workers",
    "paused since": "paused_at",
    "read with": "merged_into",
}

ProjectName = Annotated[str, typer.Argument(metavar="PROJECT", help="The project's name.")]


@projects.command("list")
def list_projects(as_json: Json = False) -> None:
    """List the projects that the token sees."""
    with connected(whole=True) as client:
        rows = client.pages("/api/projects", "projects")
    show(
        {"ok": True, "projects": rows} if as_json else rows,
        as_json=as_json,
        columns=COLUMNS,
        empty="no projects",
    )


@projects.command()
def create(
    name: ProjectName,
    title: Annotated[str, typer.Option(help="What people call it.")] = "",
    reason: Reason = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Make a project."""
    body = {"project_id": name, "title": title, "reason": reason_or_default(reason)}
    act = Act(f"make project {name}", "POST", "/api/projects", body)
    carry_out(act, project=None, dry_run=dry_run, as_json=as_json)


@projects.command()
def pause(name: ProjectName, reason: Reason = None, dry_run: DryRun = False, as_json: Json = False) -> None:
    """Let no job of a project be claimed; what runs goes on."""
    _set(name, "pause", reason, dry_run=dry_run, as_json=as_json)


@projects.command()
def resume(name: ProjectName, reason: Reason = None, dry_run: DryRun = False, as_json: Json = False) -> None:
    """Let jobs of a project be claimed again."""
    _set(name, "resume", reason, dry_run=dry_run, as_json=as_json)


@projects.command()
def remove(
    name: ProjectName,
    force: Annotated[bool, typer.Option("--force", help="Remove it under its live workers, too.")] = False,
    reason: Reason = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Remove a project's jobs, records and files on this machine for good; its audit trail stays."""
    why = reason_or_default(reason)
    act = Act(
        f"remove project {name} with all its jobs",
        "DELETE",
        f"/api/projects/{part(name)}",
        query={"reason": why, **({"force": "true"} if force else {})},
    )
    remove_project(name, why, act, dry_run=dry_run, as_json=as_json)


def _set(name: str, verb: str, reason: str | None, *, dry_run: bool, as_json: bool) -> None:
    body = {"reason": reason_or_default(reason)}
    act = Act(f"{verb} project {name}", "POST", f"/api/projects/{part(name)}/{verb}", body)
    carry_out(act, project=None, dry_run=dry_run, as_json=as_json)
