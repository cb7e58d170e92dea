"""`kinds`: what sorts of jobs a project has, under which rules, and whether one is paused."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from watchkeeper.domain.errors import UsageError
from watchkeeper.interfaces.cli.acting import Act, carry_out, reason_or_default
from watchkeeper.interfaces.cli.client import connected, part
from watchkeeper.interfaces.cli.contract.texts import Texts
from watchkeeper.interfaces.cli.options import DryRun, Json, Project, Reason
from watchkeeper.interfaces.cli.output import show

kinds = typer.Typer(no_args_is_help=True, help="Kinds of jobs: list, declare, pause, resume.")

COLUMNS = {
    "kind": "kind",
    "declared": "declared",
    "lease": "lease",
    "on lost": "on_lost",
    "attempts": "max_attempts",
    "at once": "concurrency",
    "priority": "priority",
    "paused since": "paused_at",
    "why": "pause_reason",
}


@kinds.command("list")
def list_kinds(project: Project = None, as_json: Json = False) -> None:
    """List the kinds of a project."""
    with connected(project) as client:
        rows = client.pages("/api/kinds", "kinds")
    show(
        {"ok": True, "kinds": rows} if as_json else rows,
        as_json=as_json,
        columns=COLUMNS,
        empty=client.nothing("kinds"),
    )


@kinds.command()
def declare(
    name: Annotated[str, typer.Argument(help="The kind's name.")],
    declaration: Annotated[str, typer.Argument(help="Its declaration as JSON, @FILE, or -.")] = "{}",
    reason: Reason = None,
    project: Project = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Declare a kind, or change its declaration."""
    fields: Any = Texts().json(declaration, "DECLARATION")
    if not isinstance(fields, dict):
        raise UsageError(
            "DECLARATION is a JSON object", hint="docs/reference/result-contract.md lists its keys."
        )
    act = Act(
        f"declare kind {name}",
        "POST",
        "/api/kinds",
        {**fields, "name": name},
        query={"reason": reason_or_default(reason)},
    )
    carry_out(act, project=project, dry_run=dry_run, as_json=as_json)


@kinds.command()
def pause(
    kind: str, reason: Reason = None, project: Project = None, dry_run: DryRun = False, as_json: Json = False
) -> None:
    """Let no job of a kind be claimed; what runs goes on."""
    _set(kind, "pause", reason, project, dry_run=dry_run, as_json=as_json)


@kinds.command()
def resume(
    kind: str, reason: Reason = None, project: Project = None, dry_run: DryRun = False, as_json: Json = False
) -> None:
    """Let jobs of a kind be claimed again."""
    _set(kind, "resume", reason, project, dry_run=dry_run, as_json=as_json)


def _set(
    kind: str, verb: str, reason: str | None, project: str | None, *, dry_run: bool, as_json: bool
) -> None:
    body = {"reason": reason_or_default(reason)}
    act = Act(f"{verb} kind {kind}", "POST", f"/api/kinds/{part(kind)}/{verb}", body)
    carry_out(act, project=project, dry_run=dry_run, as_json=as_json)
