"""`proposal`: decision records, made, read and decided."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from watchkeeper.interfaces.cli.acting import DEFAULT_REASON, Act, carry_out, reason_or_default
from watchkeeper.interfaces.cli.client import connected, part
from watchkeeper.interfaces.cli.contract.texts import Texts
from watchkeeper.interfaces.cli.options import DryRun, Json, Project, Reason
from watchkeeper.interfaces.cli.output import show

proposal = typer.Typer(no_args_is_help=True, help="Proposals: list, show, make, accept, reject, undo.")

COLUMNS = {
    "proposal": "id",
    "kind": "kind",
    "status": "adoption_status",
    "decision": "decision",
    "recommendation": "recommendation",
    "times": "occurrences",
    "made": "created_at",
    "decided by": "decided_by",
}

ProposalId = Annotated[str, typer.Argument(metavar="PROPOSAL", help="The proposal's id.")]


class Status(StrEnum):
    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    UNDONE = "undone"


@proposal.command("list")
def list_proposals(
    status: Annotated[Status | None, typer.Option(help="Only those of this status.")] = None,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """List proposals, the newest first; those to merge projects stand in the project 'system'."""
    with connected(project) as client:
        rows = client.pages("/api/proposals", "proposals", status=status)
    answer = {"ok": True, "proposals": rows} if as_json else rows
    show(answer, as_json=as_json, columns=COLUMNS, empty="no proposals")


@proposal.command("show")
def show_proposal(proposal_id: ProposalId, project: Project = None, as_json: Json = False) -> None:
    """Show one proposal with its options, its reasoning, and what was decided."""
    with connected(project) as client:
        answer = client.get(f"/api/proposals/{part(proposal_id)}")
    show(answer if as_json else answer["proposal"], as_json=as_json)


@proposal.command()
def make(
    document: Annotated[str, typer.Argument(help="The decision record as JSON, @FILE, or -.")],
    reason: Reason = None,
    project: Project = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Put a decision before people."""
    body = Texts().json(document, "DOCUMENT")
    if isinstance(body, dict):
        body = {"reason": DEFAULT_REASON, **body, **({"reason": reason} if reason else {})}
    act = Act("put a decision before people", "POST", "/api/proposals", body)
    answer = carry_out(act, project=project, dry_run=dry_run, as_json=as_json, quiet=True)
    if not as_json and not dry_run:
        show(None, as_json=False, empty=f"proposal {answer['proposal']['id']}")


@proposal.command()
def accept(
    proposal_id: ProposalId,
    reason: Reason = None,
    project: Project = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Accept a proposal, and carry out what its kind does."""
    _decide(proposal_id, "accept", reason, project, dry_run=dry_run, as_json=as_json)


@proposal.command()
def reject(
    proposal_id: ProposalId,
    reason: Reason = None,
    project: Project = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Reject a proposal; --reason is the feedback that it asks for."""
    _decide(proposal_id, "reject", reason, project, dry_run=dry_run, as_json=as_json)


@proposal.command()
def undo(
    proposal_id: ProposalId,
    reason: Reason = None,
    project: Project = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Take back what accepting a proposal changed."""
    _decide(proposal_id, "undo", reason, project, dry_run=dry_run, as_json=as_json)


def _decide(
    proposal_id: str, verb: str, reason: str | None, project: str | None, *, dry_run: bool, as_json: bool
) -> None:
    place = f"/api/proposals/{part(proposal_id)}"
    body = {"reason": reason_or_default(reason)}
    act = Act(f"{verb} proposal {proposal_id}", "POST", f"{place}/{verb}", body)
    carry_out(act, project=project, dry_run=dry_run, as_json=as_json)
