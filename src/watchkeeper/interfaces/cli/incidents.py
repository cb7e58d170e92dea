"""`incident`: what the watchdog found, what belongs to it, and what a person does with one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from watchkeeper.domain.errors import NotFound, UsageError
from watchkeeper.interfaces.cli.acting import Act, carry_out, reason_or_default
from watchkeeper.interfaces.cli.client import Client, connected, part
from watchkeeper.interfaces.cli.options import DryRun, Json, Project, Reason
from watchkeeper.interfaces.cli.output import show, write
from watchkeeper.interfaces.cli.session_streams import recorded, write_lines

incident = typer.Typer(no_args_is_help=True, help="Incidents: list, look at, acknowledge, quiet, export.")

PATH = "/api/watchdog/incidents"
COLUMNS = {
    "id": "id",
    "rule": "rule",
    "severity": "severity",
    "state": "state",
    "times": "occurrences",
    "job": "job_id",
    "worker": "worker_id",
    "cause": "cause",
    "owner": "owner",
    "next": "next_action",
    "opened": "opened_at",
}
SYMPTOMS = {"id": "id", "rule": "rule", "state": "state", "cause": "cause", "opened": "opened_at"}
REPAIRS = {
    "id": "id",
    "action": "action",
    "state": "state",
    "by": "actor",
    "why": "reason",
    "begun": "created_at",
}
RETURNS = {"id": "id", "opened": "opened_at", "resolved": "resolved_at", "times": "occurrences"}
STORY = {"when": "at", "what": "event", "who": "actor", "said": "said"}
EVIDENCE = ("evidence", "first_evidence", "pass_evidence")

IncidentId = Annotated[str, typer.Argument(metavar="INCIDENT", help="The incident's id.")]
Seconds = Annotated[
    float | None, typer.Option("--seconds", min=1, help="For so many seconds from now.", show_default=False)
]
Until = Annotated[
    str | None,
    typer.Option("--until", help="Until this time, e.g. 2027-01-31T08:00:00+01:00.", show_default=False),
]


@incident.command("list")
def list_incidents(
    state: Annotated[str | None, typer.Option(help="Only those in this state.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also those that are resolved.")] = False,
    rule: Annotated[str | None, typer.Option(help="Only those of this rule.")] = None,
    severity: Annotated[str | None, typer.Option(help="Only those of this severity.")] = None,
    job: Annotated[str | None, typer.Option(help="Only those of this job.")] = None,
    worker: Annotated[str | None, typer.Option(help="Only those of this worker.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 50,
    cursor: Annotated[str | None, typer.Option(help="Where the page before this one ended.")] = None,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """List incidents that are not over, the newest first."""
    unresolved = "true" if state is None and not everything else None
    asked = {"state": state, "rule": rule, "severity": severity, "job": job, "worker": worker}
    with connected(project) as client:
        page = client.get(PATH, **asked, unresolved=unresolved, limit=limit, cursor=cursor)
    if as_json:
        show(page, as_json=True)
        return
    show(page["incidents"], as_json=False, columns=COLUMNS, empty=client.nothing("incidents"))
    if page["next_cursor"]:
        write(f"more: --cursor {page['next_cursor']}")


@incident.command("show")
def show_incident(incident: IncidentId, project: Project = None, as_json: Json = False) -> None:
    """Show one incident with its evidence, symptoms, repairs and former returns, and the page that says what to do."""
    with connected(project) as client:
        found = client.get(f"{PATH}/{part(incident)}")["incident"]
    if as_json:
        show(found, as_json=True)
        return
    lists = {name: found.pop(name) for name in ("symptoms", "repairs", "recurrences")}
    evidence = {name: found.pop(name) for name in EVIDENCE}
    show({name: value for name, value in found.items() if value is not None}, as_json=False)
    for name, data in evidence.items():
        if data:
            write(f"{name}: {json.dumps(data, ensure_ascii=False)}")
    for name, columns in (("symptoms", SYMPTOMS), ("repairs", REPAIRS), ("recurrences", RETURNS)):
        if lists[name]:
            write(f"{name}:")
            show(lists[name], as_json=False, columns=columns)


@incident.command()
def story(incident: IncidentId, project: Project = None, as_json: Json = False) -> None:
    """Tell what happened to an incident in order of time: its states, repairs, what people did, and were told."""
    with connected(project) as client:
        found = client.get(f"{PATH}/{part(incident)}/story")
    show(found if as_json else found["story"], as_json=as_json, columns=STORY, empty="nothing is kept of it")


@incident.command()
def ack(
    incident: IncidentId,
    seconds: Seconds = None,
    until: Until = None,
    reason: Reason = None,
    project: Project = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Take care of an incident, for an hour unless said otherwise: nobody else is called to it meanwhile."""
    body = {"reason": reason_or_default(reason), **_until(seconds, until)}
    _act(incident, "ack", "acknowledge", body, project, dry_run=dry_run, as_json=as_json)


@incident.command()
def quiet(
    incident: IncidentId,
    seconds: Seconds = None,
    until: Until = None,
    off: Annotated[bool, typer.Option("--off", help="End an earlier silence.")] = False,
    reason: Reason = None,
    project: Project = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Say that this silence is right until a time, also if it comes back: nobody is called, all is recorded."""
    end = _until(seconds, until)
    if bool(end) == off:
        raise UsageError("say how long with --seconds or --until, or end it with --off")
    body = {"reason": reason_or_default(reason), **end}
    _act(incident, "quiet", "quiet", body, project, dry_run=dry_run, as_json=as_json)


@incident.command()
def resolve(
    incident: IncidentId,
    reason: Reason = None,
    project: Project = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Decide that an incident is over, where its rule leaves that to a person."""
    body = {"reason": reason_or_default(reason)}
    _act(incident, "resolve", "resolve", body, project, dry_run=dry_run, as_json=as_json)


@incident.command()
def export(
    incident: IncidentId,
    directory: Annotated[
        Path, typer.Option("--to", help="The folder for the files; it is made.", file_okay=False)
    ] = Path(),
    corpus: Annotated[
        bool,
        typer.Option("--corpus", help="Write the sessions of its job as rows of the truth corpus instead."),
    ] = False,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Write an incident as JSON and as Markdown, redacted, for somebody who cannot look here; --json prints it."""
    with connected(project) as client:
        if corpus:
            _export_sessions(client, incident, directory, as_json=as_json)
            return
        found = client.get(f"{PATH}/{part(incident)}/export")
    if as_json:
        show(found["document"], as_json=True)
        return
    texts = {
        "json": json.dumps(found["document"], indent=2, ensure_ascii=False) + "\n",
        "md": found["markdown"],
    }
    _make(directory)
    for ending, text in texts.items():
        file = directory / f"incident-{found['document']['incident']['id']}.{ending}"
        try:
            file.write_text(text, encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{file} cannot be written: {error.strerror}") from error
        write(str(file))


def _export_sessions(client: Client, incident: str, directory: Path, *, as_json: bool) -> None:
    """Write a recording of each session of the incident's job; a person still has to label them."""
    job = client.get(f"{PATH}/{part(incident)}")["incident"]["job_id"]
    sessions = client.get("/api/sessions", job=job, limit=1000)["sessions"] if job else []
    if not sessions:
        raise NotFound("no session of an agent is recorded for this incident's job")
    _make(directory)
    files = []
    for session in sessions:
        file = directory / f"incident-{incident}-{session['id']}.jsonl"
        write_lines(file, recorded(client, session["id"]))
        files.append(str(file))
    told = "\n".join([*files, "fill in their labels before use; docs/corpus.md tells how"])
    show({"ok": True, "files": files} if as_json else None, as_json=as_json, empty=told)


def _make(directory: Path) -> None:
    """Make the folder for the files, where it is not there."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{directory} cannot be made: {error.strerror}") from error


def _until(seconds: float | None, until: str | None) -> dict[str, Any]:
    if seconds is not None and until is not None:
        raise UsageError("give --seconds or --until, not both")
    given = {"seconds": seconds, "until": until}
    return {name: value for name, value in given.items() if value is not None}


def _act(
    incident: str,
    verb: str,
    sentence: str,
    body: dict[str, Any],
    project: str | None,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    path = f"{PATH}/{part(incident)}"
    act = Act(f"{sentence} incident {incident}", "POST", f"{path}/{verb}", body, look=path)
    carry_out(act, project=project, dry_run=dry_run, as_json=as_json)
