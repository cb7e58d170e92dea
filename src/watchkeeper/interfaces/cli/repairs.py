"""`repair` and `policy`: what was repaired, what waits for a word, and how far each rule may go by itself."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from watchkeeper.domain.errors import EXIT_CODE
from watchkeeper.interfaces.cli.acting import Act, carry_out, reason_or_default
from watchkeeper.interfaces.cli.client import connected, part
from watchkeeper.interfaces.cli.options import DryRun, Json, Project, Reason
from watchkeeper.interfaces.cli.output import show, write

repair = typer.Typer(
    no_args_is_help=True, help="Repairs: list, show, ask, approve, reject, withdraw, rollback."
)
policy = typer.Typer(no_args_is_help=True, help="The policy in force: show it, reset a breaker.")

PATH = "/api/watchdog/repair-actions"
COLUMNS = {
    "repair": "id",
    "state": "state",
    "rule": "trigger",
    "action": "action",
    "job": "job_id",
    "worker": "worker_id",
    "needs": "authority",
    "since": "created_at",
    "note": "note",
}
RULES = {
    "rule": "rule",
    "severity": "severity",
    "action": "action",
    "mode": "mode",
    "calls": "escalation",
    "after failures": "escalate_after",
    "stops the worker": "stops_worker",
}
BREAKERS = {
    "rule": "rule",
    "pool": "pool",
    "tripped": "is_tripped",
    "since": "tripped_at",
    "attempts": "attempts",
    "waiting": "waiting",
    "reset by": "reset_by",
}
DONE_NOTHING = {"expired", "failed", "needs_human"}

RepairId = Annotated[str, typer.Argument(metavar="REPAIR", help="The repair's id.")]


class Waiting(StrEnum):
    RUN = "run"
    DROP = "drop"


@repair.command("list")
def list_repairs(
    state: Annotated[str | None, typer.Option(help="Only those in this state.", show_default=False)] = None,
    action: Annotated[
        str | None, typer.Option(help="Only this action; 'reap' shows reapings.", show_default=False)
    ] = None,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """List repairs, the newest first."""
    with connected(project) as client:
        answer = client.get(PATH, state=state, action=action)
    show(
        answer if as_json else answer["repairs"],
        as_json=as_json,
        columns=COLUMNS,
        empty=client.nothing("repairs"),
    )


@repair.command("show")
def show_repair(repair_id: RepairId, project: Project = None, as_json: Json = False) -> None:
    """Show one repair: its plan, what came of it, and what was said on it."""
    with connected(project) as client:
        answer = client.get(f"{PATH}/{part(repair_id)}")
    if as_json:
        show(answer, as_json=True)
    else:
        _tell(answer["repair"])


@repair.command()
def ask(
    action: Annotated[str, typer.Argument(help="What to do: release, reclaim, pause, stop_worker ...")],
    job: Annotated[str | None, typer.Option(help="The job.", show_default=False)] = None,
    worker: Annotated[str | None, typer.Option(help="The worker.", show_default=False)] = None,
    kind: Annotated[str | None, typer.Option(help="The kind.", show_default=False)] = None,
    reason: Reason = None,
    project: Project = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Plan a repair and let it wait for another person's word."""
    named = {name: value for name, value in (("job", job), ("worker", worker), ("kind", kind)) if value}
    _act(PATH, {"action": action, **named, "reason": reason_or_default(reason)}, project, dry_run, as_json)


@repair.command()
def approve(
    repair_id: RepairId,
    digest: Annotated[
        str | None, typer.Option(help="The digest of the plan that you saw.", show_default=False)
    ] = None,
    reason: Reason = None,
    project: Project = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Approve a repair and carry it out."""
    body = {"reason": reason_or_default(reason), **({"plan_digest": digest} if digest else {})}
    _act(f"{PATH}/{part(repair_id)}/approve", body, project, dry_run, as_json)


@repair.command()
def reject(
    repair_id: RepairId,
    reason: Reason = None,
    project: Project = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Refuse a repair for good."""
    _say(repair_id, "reject", reason, project, dry_run, as_json)


@repair.command()
def withdraw(
    repair_id: RepairId,
    reason: Reason = None,
    project: Project = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Take your own approval, or your own asking, back before it is used."""
    _say(repair_id, "withdraw", reason, project, dry_run, as_json)


@repair.command()
def rollback(
    repair_id: RepairId,
    reason: Reason = None,
    project: Project = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Undo a repair, or say why that cannot be."""
    _say(repair_id, "rollback", reason, project, dry_run, as_json)


@policy.command("show")
def show_policy(project: Project = None, as_json: Json = False) -> None:
    """Show how far each rule may go by itself, which breakers tripped, and both switches."""
    with connected(project) as client:
        answer = client.get("/api/policy")
    if as_json:
        show(answer, as_json=True)
        return
    told = answer["policy"]
    write(f"policy {told['version']} ({told['digest'][:12]}), approvals by {told['four_eyes']}")
    for switch in answer["switches"]:
        reason = f": {switch['reason']}" if switch.get("reason") else ""
        write(f"{switch['name']} {'on' if switch['is_on'] else 'OFF' + reason}")
    show(answer["rules"], as_json=False, columns=RULES)
    show(answer["breakers"], as_json=False, columns=BREAKERS, empty="no breaker has tripped")


@policy.command()
def reset(
    rule: Annotated[str, typer.Argument(help="The rule whose breaker tripped.")],
    pool: Annotated[str, typer.Argument(help="The pool.")] = "default",
    waiting: Annotated[Waiting, typer.Option(help="Run or drop the repairs that waited.")] = Waiting.DROP,
    reason: Reason = None,
    project: Project = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Reset a breaker: let the rule act in the pool again."""
    body = {"pool": pool, "waiting": waiting.value, "reason": reason_or_default(reason)}
    path = f"/api/policy/breakers/{part(rule)}/reset"
    act = Act(f"reset the breaker of {rule} in {pool}; {waiting} what waited", "POST", path, body)
    carry_out(act, project=project, dry_run=dry_run, as_json=as_json)


def _say(
    repair_id: str, verb: str, reason: str | None, project: str | None, dry_run: bool, as_json: bool
) -> None:
    body = {"reason": reason_or_default(reason)}
    _act(f"{PATH}/{part(repair_id)}/{verb}", body, project, dry_run, as_json)


def _act(path: str, body: dict[str, Any], project: str | None, dry_run: bool, as_json: bool) -> None:
    """Send it; a dry run goes the same way and is taken back by the server. Nothing done is exit 3."""
    with connected(project) as client:
        answer = client.act("POST", path, {**body, "dry_run": dry_run})
    told = answer["repair"]
    if as_json:
        show(answer, as_json=True)
    else:
        if dry_run:
            write("dry run: nothing was done; this is what would come of it")
        _tell(told)
    if told["state"] in DONE_NOTHING and not dry_run:
        raise typer.Exit(EXIT_CODE["conflict"])


def _tell(told: dict[str, Any]) -> None:
    plan = told["plan"] or {}
    write(f"{told['action']} of {told['job_id'] or told['worker_id'] or told['kind']}: {told['state']}")
    rows = {
        "repair": told["id"],
        "note": told["note"],
        "why": f"{told['trigger']}: {told['reason']}",
        "asked by": told["actor"],
        "needs": told["authority"],
        "digest": told["plan_digest"],
        "blast radius": plan.get("blast_radius"),
        "undo": plan.get("undo") or f"none: {plan.get('no_undo_because')}",
        "output": told["output"],
        **{f"step {n}": step for n, step in enumerate(plan.get("steps", ()), 1)},
        **{f"said {n}": _word(word) for n, word in enumerate(told.get("approvals", ()), 1)},
    }
    show({name: value for name, value in rows.items() if value}, as_json=False)


def _word(word: dict[str, Any]) -> str:
    ends = (
        "used" if word["used_at"] else "withdrawn" if word["withdrawn_at"] else f"until {word['expires_at']}"
    )
    return f"{word['decision']} by {word['actor']} ({ends}): {word['reason']}"
