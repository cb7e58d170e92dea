"""`host remediate`: asks for an act on a proven orphan, tells of its gates, and carries it out on the host itself."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any
from uuid import UUID

import typer

from watchkeeper.app import whole as root
from watchkeeper.app.host_guard import HostGuard, host_guard
from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.host_guard.plan import plan_of, targets_of
from watchkeeper.domain.principals import SYSTEM_PROJECT
from watchkeeper.interfaces.cli.acting import Act, carry_out, reason_or_default
from watchkeeper.interfaces.cli.client import connected, part
from watchkeeper.interfaces.cli.host_packets import packets_here
from watchkeeper.interfaces.cli.local import with_database
from watchkeeper.interfaces.cli.options import DryRun, Json, Reason
from watchkeeper.interfaces.cli.output import show, write
from watchkeeper.interfaces.cli.starting import begin, note
from watchkeeper.services.host_guard.acting import Judged
from watchkeeper.services.operations import as_uuid
from watchkeeper.settings import Settings

PATH = "/api/host/remediations"


def remediate(
    act: Annotated[
        str | None,
        typer.Argument(
            metavar="REPAIR", help="The act to carry out here, once it is approved.", show_default=False
        ),
    ] = None,
    pid: Annotated[
        int | None,
        typer.Option(min=2, help="Ask for an act on the group of this process.", show_default=False),
    ] = None,
    evidence: Annotated[
        str | None,
        typer.Option(help="What shows the trouble; the packet itself unless given.", show_default=False),
    ] = None,
    project: Annotated[
        str, typer.Option("--project", "-p", help="Where windows, incidents and words stand.")
    ] = SYSTEM_PROJECT,
    reason: Reason = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Ask for a proven orphan to be ended, or carry an approved act out on this host; every gate not met is named."""
    if (act is None) == (pid is None):
        raise UsageError("name an act to carry out, or with --pid a process to ask for")
    if pid is not None:
        _ask(pid, evidence, project, reason_or_default(reason), dry_run=dry_run, as_json=as_json)
    elif (found := as_uuid(str(act))) is None:
        raise UsageError(f"{act!r} is no act's id", hint="'watchkeeper repair list -p system' shows them.")
    else:
        _carry_out(project, found, dry_run=dry_run, as_json=as_json)


def write_back(
    incident: Annotated[str, typer.Argument(metavar="INCIDENT", help="The incident of a host.")],
    root_cause: Annotated[str, typer.Option(help="Why it came.")],
    health: Annotated[str, typer.Option(help="How what runs there is now.")],
    follow_up: Annotated[str, typer.Option(help="What its owner does next.")],
    evidence: Annotated[
        list[str] | None, typer.Option(help="What shows it; may be said again.", show_default=False)
    ] = None,
    review_days: Annotated[
        float, typer.Option(min=0.1, help="In how many days it is looked at again.")
    ] = 7.0,
    project: Annotated[
        str, typer.Option("--project", "-p", help="Where the incident stands.")
    ] = SYSTEM_PROJECT,
    reason: Reason = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Write the five assets of a host incident for which no process was ended; only then it can be closed."""
    body = {
        "root_cause": root_cause,
        "service_health": health,
        "owner_followup": follow_up,
        "evidence_refs": evidence or [],
        "review_days": review_days,
        "reason": reason_or_default(reason),
    }
    path = f"/api/host/incidents/{part(incident)}/assets"
    act = Act(f"write the five assets of incident {incident}", "POST", path, body)
    carry_out(act, project=project, dry_run=dry_run, as_json=as_json)


def _ask(pid: int, evidence: str | None, project: str, reason: str, *, dry_run: bool, as_json: bool) -> None:
    """Ask with the packet of this moment; a dry run asks nobody, and shows the plan, its digest and its gates."""
    [packet] = packets_here(pid=pid)
    targets_of(packet)
    if dry_run:
        told = plan_of(
            packet, evidence_ref=evidence or "", post_checks=Settings.read().host_limits.post_checks
        )
        plan = {"plan": told.to_json(), "plan_digest": packet["dry_run"]["digest"], "gates": packet["gates"]}
        lines = [
            *told.steps,
            f"digest {packet['dry_run']['digest']}",
            *_gates(packet["gates"]),
            "nothing was done",
        ]
        _tell({"ok": True, "dry_run": True, **plan}, lines, as_json=as_json)
        return
    body: dict[str, Any] = {"packet": packet, "reason": reason}
    if evidence is not None:
        body["evidence_ref"] = evidence
    with connected(project) as client:
        answer = client.act("POST", PATH, body)
    made = answer["remediation"]
    lines = [
        f"asked for: {made['id']}",
        f"plan {made['plan_digest']}",
        *_gates(made["gates"]),
        f"another owner approves it: watchkeeper repair approve {made['id']} -p {project}",
    ]
    _tell(answer, lines, as_json=as_json)


def _carry_out(project: str, remediation: UUID, *, dry_run: bool, as_json: bool) -> None:
    settings = begin()
    with with_database(settings, note) as complete:
        answer, lines = asyncio.run(_acted(complete, project, remediation, dry_run=dry_run))
    _tell(answer, lines, as_json=as_json)


async def _acted(
    settings: Settings, project: str, remediation: UUID, *, dry_run: bool
) -> tuple[dict[str, Any], list[str]]:
    async with root.running(settings, migrated=False) as app:
        guard: HostGuard = host_guard(app)
        if dry_run:
            judged: Judged = await guard.acting.gates(project, remediation)
            gates = [verdict.to_json() for verdict in judged.verdicts]
            plan = {"plan": judged.row["plan"], "plan_digest": judged.row["plan_digest"], "gates": gates}
            lines = [*judged.row["plan"]["steps"], f"digest {judged.row['plan_digest']}", *_gates(gates)]
            return {"ok": True, "dry_run": True, **plan}, [*lines, "nothing was done"]
        came = await guard.acting.act(project, remediation)
    lines = [f"process {each['pid']}: {each['came']}{_why(each)}" for each in came["results"]]
    told = {**came, "id": str(came["id"])}
    return {"ok": True, "remediation": told}, lines


def _why(result: dict[str, Any]) -> str:
    return f", {result['why']}" if result["why"] else ""


def _gates(gates: list[dict[str, Any]]) -> list[str]:
    return [
        f"[{'x' if gate['met'] else ' '}] {gate['gate']}{': ' + gate['because'] if gate['because'] else ''}"
        for gate in gates
    ]


def _tell(answer: dict[str, Any], lines: list[str], *, as_json: bool) -> None:
    if as_json:
        show(answer, as_json=True)
    else:
        write("\n".join(lines))
