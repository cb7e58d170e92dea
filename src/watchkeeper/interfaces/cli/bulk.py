"""`bulk`: acts on all jobs that match a filter, carried out by the watch."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated

import typer

from watchkeeper.domain.jobs import JobState
from watchkeeper.interfaces.cli.acting import Act, carry_out, reason_or_default
from watchkeeper.interfaces.cli.client import connected, part
from watchkeeper.interfaces.cli.options import DryRun, Json, Project, Reason
from watchkeeper.interfaces.cli.output import show

bulk = typer.Typer(no_args_is_help=True, help="Bulk acts on jobs: start, list, show, stop.")

COLUMNS = {
    "id": "id",
    "what": "what",
    "of state": "of_state",
    "of kind": "of_kind",
    "made before": "made_before",
    "state": "state",
    "done": "done",
    "skipped": "skipped",
    "looked at": "looked_share",
}


class What(StrEnum):
    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"
    REQUEUE = "requeue"


@bulk.command()
def start(
    what: Annotated[What, typer.Argument(help="What is done to each job.")],
    state: Annotated[JobState, typer.Option(help="Only jobs in this state.")],
    kind: Annotated[str | None, typer.Option(help="Only jobs of this kind.")] = None,
    older_than: Annotated[
        float, typer.Option(min=0, help="Only jobs made so many hours ago or earlier.")
    ] = 0,
    reason: Reason = None,
    project: Project = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Do something to all jobs that match; a dry run counts them. The watch carries it out."""
    before = (datetime.now(UTC) - timedelta(hours=older_than)).isoformat()
    matching = {"what": what.value, "state": state.value, "made_before": before}
    if kind is not None:
        matching["kind"] = kind
    body = {**matching, "reason": reason_or_default(reason)}
    act = Act(f"{what} all matching jobs", "POST", "/api/bulk-acts", body)
    answer = carry_out(act, project=project, dry_run=dry_run, as_json=as_json, quiet=True)
    if as_json:
        return
    if dry_run:
        found = answer["answer"]["preview"]
        show(
            None, as_json=False, empty=f"{found['matching']}{' or more' if found['capped'] else ''} match now"
        )
    else:
        show([answer["bulk_act"]], as_json=False, columns=COLUMNS)


@bulk.command("list")
def list_bulk(project: Project = None, as_json: Json = False) -> None:
    """List the bulk acts of a project, the newest first."""
    with connected(project) as client:
        answer = client.get("/api/bulk-acts")
    show(answer if as_json else answer["bulk_acts"], as_json=as_json, columns=COLUMNS, empty="no bulk acts")


@bulk.command("show")
def show_bulk(
    act: Annotated[str, typer.Argument(help="The id that 'bulk list' shows.")],
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Show how far a bulk act is."""
    with connected(project) as client:
        answer = client.get(f"/api/bulk-acts/{part(act)}")
    show(answer if as_json else [answer["bulk_act"]], as_json=as_json, columns=COLUMNS)


@bulk.command()
def stop(
    act: Annotated[str, typer.Argument(help="The id that 'bulk list' shows.")],
    reason: Reason = None,
    project: Project = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Stop a bulk act after its present batch; what it has moved stays moved."""
    body = {"reason": reason_or_default(reason)}
    asked = Act(f"stop bulk act {act}", "POST", f"/api/bulk-acts/{part(act)}/stop", body)
    carry_out(asked, project=project, dry_run=dry_run, as_json=as_json)
