"""`workers`, `queue-health` and `switch`: who works, how the queues fare, and the brake for all of it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from watchkeeper.domain.errors import UsageError
from watchkeeper.interfaces.cli.acting import Act, carry_out, reason_or_default
from watchkeeper.interfaces.cli.client import connected, part
from watchkeeper.interfaces.cli.options import DryRun, Json, Project, Reason
from watchkeeper.interfaces.cli.output import cell, show, write

workers = typer.Typer(no_args_is_help=True, help="Workers: list, drain, resume.")

COLUMNS = {
    "worker": "worker_id",
    "health": "health",
    "holding": "holding",
    "slots": "slots",
    "kinds": "kinds",
    "pool": "pool",
    "host": "host_id",
    "last seen": "last_seen_at",
    "draining": "draining",
    "stopped because": "stop_reason",
}
QUEUES = {
    "kind": "kind",
    "of": "origin",
    "status": "status",
    "ready": "ready",
    "or more": "capped",
    "scheduled": "scheduled",
    "running": "running",
    "stuck": "stuck",
    "paused": "paused",
    "oldest, s": "oldest_ready_age_s",
    "workers": "eligible_workers",
    "why they wait": "waiting_reasons",
}


class SwitchName(StrEnum):
    CLAIMS = "claims"
    ACTIONS = "actions"


class Setting(StrEnum):
    ON = "on"
    OFF = "off"


@workers.command("list")
def list_workers(project: Project = None, as_json: Json = False) -> None:
    """List the workers of a project."""
    with connected(project) as client:
        answer = client.get("/api/workers")
    show(
        answer if as_json else answer["workers"],
        as_json=as_json,
        columns=COLUMNS,
        empty=client.nothing("workers"),
    )


@workers.command()
def drain(
    worker: str,
    reason: Reason = None,
    project: Project = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Let a worker finish what it holds and claim no more."""
    _set(worker, "drain", reason, project, dry_run=dry_run, as_json=as_json)


@workers.command()
def resume(
    worker: str,
    reason: Reason = None,
    project: Project = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Let a draining or stopped worker claim again."""
    _set(worker, "resume", reason, project, dry_run=dry_run, as_json=as_json)


def queue_health(project: Project = None, as_json: Json = False) -> None:
    """Say of each kind what waits, what runs, and why nothing moves where nothing does."""
    with connected(project) as client:
        answer = client.get("/api/watchdog/queue-health")
    if as_json:
        show(answer, as_json=True)
        return
    show(answer["queues"], as_json=False, columns=QUEUES, empty="nothing is queued")
    if answer["standstill"]:
        write(answer["standstill"])
    if not answer["policy"]["ok"]:
        write(f"policy NOT OK: {answer['policy']['detail']}")
    watchdog = answer["watchdog"]
    write(f"watchdog {'ok' if watchdog['ok'] else 'NOT OK'}, last tick {cell(watchdog['last_tick_at'])}")


def switch(
    name: Annotated[
        SwitchName, typer.Argument(help="claims: all claims; actions: all actions of the watchdog.")
    ],
    setting: Annotated[Setting, typer.Argument(help="on or off.")],
    reason: Reason = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Turn all claims, or all actions, on or off, everywhere."""
    if setting is Setting.OFF and not reason and not dry_run:
        raise UsageError(
            f"say why all {name} are to stop", hint="Add --reason WHY: it is what people read at 3 a.m."
        )
    body = {"on": setting is Setting.ON, "reason": reason_or_default(reason)}
    act = Act(f"switch {name} {setting}", "POST", f"/api/switches/{name}", body)
    carry_out(act, project=None, dry_run=dry_run, as_json=as_json)


def _set(
    worker: str, verb: str, reason: str | None, project: str | None, *, dry_run: bool, as_json: bool
) -> None:
    body = {"reason": reason_or_default(reason)}
    act = Act(f"{verb} worker {worker}", "POST", f"/api/workers/{part(worker)}/{verb}", body)
    carry_out(act, project=project, dry_run=dry_run, as_json=as_json)
