"""`jobs`: what there is to do, what became of it, and what people do to one."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from watchkeeper.domain.jobs import LateVerdict
from watchkeeper.interfaces.cli.acting import Act, carry_out, reason_or_default
from watchkeeper.interfaces.cli.client import connected, part
from watchkeeper.interfaces.cli.contract.texts import Texts
from watchkeeper.interfaces.cli.options import DryRun, Json, Project, Reason
from watchkeeper.interfaces.cli.output import show, write

jobs = typer.Typer(no_args_is_help=True, help="Jobs: list, look at, enqueue, and move.")

COLUMNS = {
    "id": "id",
    "kind": "kind",
    "state": "state",
    "why": "state_reason",
    "verified": "verified",
    "claim": "epoch",
    "worker": "worker_id",
    "since": "state_since",
    "external id": "external_id",
}
ATTEMPTS = {
    "claim": "attempt",
    "worker": "worker_id",
    "outcome": "outcome",
    "cause": "cause",
    "started": "started_at",
    "ended": "ended_at",
    "error": "error",
}
ARTIFACTS = {
    "name": "name",
    "kind": "kind",
    "bytes": "bytes",
    "primary": "is_primary",
    "claim": "attempt",
    "url": "url",
}
TIMELINE = {
    "at": "at",
    "event": "event",
    "by": "actor",
    "claim": "epoch",
    "from": "old_state",
    "to": "new_state",
}

MARKS = {
    "row": "row",
    "at": "at",
    "until": "until",
    "what": "event",
    "said": "said",
    "by": "who",
    "claim": "epoch",
}

LATE = {
    "item": "id",
    "job": "job_id",
    "claim": "epoch",
    "worker": "worker_id",
    "command": "command",
    "summary": "summary",
    "artifacts": "artifacts",
    "why it is late": "reason",
    "came": "created_at",
}

JobName = Annotated[str, typer.Argument(metavar="JOB", help="The job's id, or its external id.")]


@jobs.command("list")
def list_jobs(
    state: Annotated[str | None, typer.Option(help="Only jobs in this state.")] = None,
    kind: Annotated[str | None, typer.Option(help="Only jobs of this kind.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 50,
    cursor: Annotated[str | None, typer.Option(help="Where the page before this one ended.")] = None,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """List jobs, the newest first."""
    with connected(project) as client:
        page = client.get("/api/jobs", state=state, kind=kind, limit=limit, cursor=cursor)
    if as_json:
        show(page, as_json=True)
        return
    show([_told(row) for row in page["jobs"]], as_json=False, columns=COLUMNS, empty=client.nothing("jobs"))
    if page["next_cursor"]:
        write(f"more: --cursor {page['next_cursor']}")


@jobs.command("late")
def list_late(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 50,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """List completions that came too late, with what they produced: a person decides on them."""
    with connected(project) as client:
        page = client.get("/api/reconcile", limit=limit)
    rows = [
        {**item, "summary": item["body"].get("summary"), "artifacts": _named(item["body"].get("artifacts"))}
        for item in page["items"]
    ]
    show(page if as_json else rows, as_json=as_json, columns=LATE, empty="nothing came too late")


@jobs.command()
def decide(
    item: Annotated[str, typer.Argument(metavar="ITEM", help="The item's id, as 'jobs late' shows it.")],
    verdict: Annotated[LateVerdict, typer.Option(help="Whether its results are used.")],
    reason: Reason = None,
    project: Project = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Decide on a completion that came too late. The job stays as it is: only the gate completes one."""
    body = {"verdict": verdict.value, "reason": reason_or_default(reason)}
    act = Act(f"{verdict.value} late completion {item}", "POST", f"/api/reconcile/{part(item)}/decide", body)
    carry_out(act, project=project, dry_run=dry_run, as_json=as_json)


@jobs.command("show")
def show_job(
    job: JobName,
    timeline: Annotated[bool, typer.Option("--timeline", help="Show all that happened, in order.")] = False,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Show one job with its attempts and artifacts."""
    path = f"/api/jobs/{part(job)}"
    with connected(project) as client:
        found = client.get(path)["job"]
        if timeline:
            found["timeline"] = client.get(f"{path}/timeline")["timeline"]
    if as_json:
        show(found, as_json=True)
        return
    found = _told(found)
    lists = {name: found.pop(name, []) for name in ("attempts", "artifacts", "timeline")}
    show({name: value for name, value in found.items() if value is not None}, as_json=False)
    for name, columns in (("attempts", ATTEMPTS), ("artifacts", ARTIFACTS), ("timeline", TIMELINE)):
        if lists[name]:
            write(f"{name}:")
            show(lists[name], as_json=False, columns=columns)


@jobs.command()
def timeline(job: JobName, project: Project = None, as_json: Json = False) -> None:
    """Show what a job's timeline is drawn from: waits, attempts, leases, calls, checks, incidents, repairs."""
    with connected(project) as client:
        found = client.get(f"/api/jobs/{part(job)}/marks")
    show(found if as_json else found["marks"], as_json=as_json, columns=MARKS)


@jobs.command()
def enqueue(
    kind: Annotated[str, typer.Argument(help="The kind of the job.")],
    payload: Annotated[str, typer.Argument(help="JSON, @FILE, or - for standard input.")] = "{}",
    contract: Annotated[str | None, typer.Option(help="A result contract as JSON, @FILE, or -.")] = None,
    priority: Annotated[int | None, typer.Option(help="Higher comes first.")] = None,
    run_at: Annotated[
        str | None, typer.Option(help="Not before this time, e.g. 2027-01-31T08:00:00+01:00.")
    ] = None,
    unique_key: Annotated[
        str | None, typer.Option(help="At most one unfinished job of the kind has this key.")
    ] = None,
    external_id: Annotated[str | None, typer.Option(help="A name of your own, once in a project.")] = None,
    reason: Reason = None,
    project: Project = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Add a job."""
    texts = Texts()
    given = {
        "kind": kind,
        "payload": texts.json(payload, "PAYLOAD"),
        "contract": None if contract is None else texts.json(contract, "--contract"),
        "priority": priority,
        "run_at": run_at,
        "unique_key": unique_key,
        "external_id": external_id,
        "reason": reason_or_default(reason),
    }
    body = {name: value for name, value in given.items() if value is not None}
    act = Act(f"enqueue a job of kind {kind}", "POST", "/api/jobs", body)
    answer = carry_out(act, project=project, dry_run=dry_run, as_json=as_json)
    if not dry_run and not as_json:
        job = answer["job"]
        write(f"{job['id']}{' (it was there already)' if job['existing'] else ''}")


def _move(name: str, doc: str) -> None:
    def move(
        job: JobName,
        reason: Reason = None,
        project: Project = None,
        dry_run: DryRun = False,
        as_json: Json = False,
    ) -> None:
        _act_on(job, name, {"reason": reason_or_default(reason)}, project, dry_run=dry_run, as_json=as_json)

    move.__doc__ = doc
    jobs.command(name)(move)


def _act_on(
    job: str, verb: str, body: dict[str, Any], project: str | None, *, dry_run: bool, as_json: bool
) -> None:
    path = f"/api/jobs/{part(job)}"
    act = Act(f"{verb} job {job}", "POST", f"{path}/{verb}", body, look=path)
    answer = carry_out(act, project=project, dry_run=dry_run, as_json=as_json)
    if answer.get("cancel_requested") and not as_json:
        write("it runs: its holder was asked to stop (--force ends it without asking)")
    if verb == "requeue" and not dry_run and not as_json:
        write(answer["job"]["id"])


@jobs.command()
def cancel(
    job: JobName,
    force: Annotated[
        bool, typer.Option("--force", help="Do not wait for the holder of a running job.")
    ] = False,
    reason: Reason = None,
    project: Project = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Cancel a job; the holder of a running one is asked to stop."""
    body = {"reason": reason_or_default(reason), "force": force}
    _act_on(job, "cancel", body, project, dry_run=dry_run, as_json=as_json)


_move("pause", "Hold a job; a running attempt ends.")
_move("resume", "Let a paused or stuck job be claimed again.")
_move("requeue", "Try a job again: an ended one as a new job, a held one in its own place.")
_move("fail", "Give a job up; a running attempt ends.")


def _told(job: dict[str, Any]) -> dict[str, Any]:
    """Give a job for a person's eye: one that nobody checked must not read like one that was."""
    if job["state"] != "completed" or job["verified"] == "artifact":
        return job
    return {**job, "state": "completed, unverified", "verified": "NOT VERIFIED"}


def _named(artifacts: Any) -> list[str]:
    """Name artifacts as their worker did."""
    listed = artifacts.get("artifacts") if isinstance(artifacts, dict) else artifacts
    if not isinstance(listed, list):
        return []
    found = (
        next(
            (each[key] for key in ("title", "url", "path", "artifact_id") if each.get(key)), each.get("kind")
        )
        for each in listed
        if isinstance(each, dict)
    )
    return [str(name) for name in found]
