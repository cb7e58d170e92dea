"""`signal`: messages that become jobs, and how far each came."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.signals import project_of_topic
from watchkeeper.interfaces.cli.acting import Act, carry_out, reason_or_default
from watchkeeper.interfaces.cli.client import connected, part
from watchkeeper.interfaces.cli.contract.texts import Texts
from watchkeeper.interfaces.cli.options import DryRun, Json, Project, Reason
from watchkeeper.interfaces.cli.output import show

signal = typer.Typer(no_args_is_help=True, help="Signals: list, show, chain, send, adoption, value.")

COLUMNS = {
    "signal": "id",
    "source": "source",
    "topic": "topic_key",
    "said": "text",
    "job": "job_id",
    "adoption": "adoption",
    "value": "value",
    "received": "received_at",
}
LINKS = {"link": "link", "state": "state", "since": "at", "said": "said", "evidence": "evidence"}

SignalId = Annotated[str, typer.Argument(metavar="SIGNAL", help="The signal's id.")]
Said = Annotated[str, typer.Argument(metavar="TEXT", help="Text, @FILE, or -.")]
Evidence = Annotated[str | None, typer.Option("--evidence", help="Where that can be seen.")]


@signal.command("list")
def list_signals(
    topic: Annotated[str | None, typer.Option(help="Only those of this topic.")] = None,
    group: Annotated[
        bool, typer.Option("--group", help="With the projects that this one is read together with.")
    ] = False,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """List signals, the newest first."""
    with connected(project) as client:
        rows = client.pages("/api/signals", "signals", topic=topic, group=group)
    answer = {"ok": True, "signals": rows} if as_json else rows
    show(answer, as_json=as_json, columns=COLUMNS, empty="no signals")


@signal.command("show")
def show_signal(signal_id: SignalId, project: Project = None, as_json: Json = False) -> None:
    """Show one signal with its annotations."""
    with connected(project) as client:
        answer = client.get(f"/api/signals/{part(signal_id)}")
    show(answer if as_json else answer["signal"], as_json=as_json)


@signal.command()
def chain(signal_id: SignalId, project: Project = None, as_json: Json = False) -> None:
    """Show how far a signal came: artifact, adoption, reliability, value, each with its evidence."""
    with connected(project) as client:
        answer = client.get(f"/api/signals/{part(signal_id)}/chain")
    show(answer if as_json else answer["chain"], as_json=as_json, columns=LINKS)


@signal.command()
def send(
    source: Annotated[str, typer.Argument(help="Where it comes from.")],
    topic: Annotated[str, typer.Argument(help="The topic's key.")],
    text: Said,
    evidence: Evidence = None,
    person: Annotated[list[str] | None, typer.Option(help="Somebody whom it concerns.")] = None,
    related_project: Annotated[list[str] | None, typer.Option(help="A project that it concerns.")] = None,
    annotations: Annotated[str, typer.Option(help="More, as a JSON object, @FILE, or -.")] = "{}",
    kind: Annotated[str | None, typer.Option(help="The kind of job that it becomes.")] = None,
    persona: Annotated[str | None, typer.Option(help="The persona that it strengthens.")] = None,
    own_project: Annotated[
        bool, typer.Option("--own-project", help="Make the topic's own project where there is none.")
    ] = False,
    project: Project = None,
    reason: Reason = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Make a job of a signal."""
    texts = Texts()
    body: dict[str, Any] = {
        "source": source,
        "topic_key": topic,
        "text": texts.text(text, "TEXT"),
        "evidence_ref": evidence,
        "related_people": person or [],
        "related_projects": related_project or [],
        "annotations": texts.json(annotations, "--annotations"),
        "kind": kind,
        "persona": persona,
        "reason": reason_or_default(reason),
    }
    act = Act(f"send a signal on {topic}", "POST", "/api/signals", body)
    if own_project:
        making = _own_project(topic, body["reason"])
        project = making.body["project_id"]
        if _make(making, dry_run=dry_run) and dry_run:
            # There is no project yet in which the server could rehearse the rest.
            carry_out(making, project=None, dry_run=True, as_json=as_json)
            return
    answer = carry_out(act, project=project, dry_run=dry_run, as_json=as_json, quiet=True)
    if not as_json and not dry_run:
        row = answer["signal"]
        show(None, as_json=False, empty=f"signal {row['id']} is job {row['job_id']} ({row['route']['kind']})")


@signal.command()
def adoption(
    signal_id: SignalId,
    text: Said,
    evidence: Evidence = None,
    project: Project = None,
    reason: Reason = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Write down that people use what a signal led to."""
    _tell(signal_id, "adoption", text, evidence, reason, project, dry_run=dry_run, as_json=as_json)


@signal.command()
def value(
    signal_id: SignalId,
    text: Said,
    evidence: Evidence = None,
    project: Project = None,
    reason: Reason = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Write down what a signal was worth in the end."""
    _tell(signal_id, "value", text, evidence, reason, project, dry_run=dry_run, as_json=as_json)


def _tell(
    signal_id: str,
    what: str,
    text: str,
    evidence: str | None,
    reason: str | None,
    project: str | None,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    place = f"/api/signals/{part(signal_id)}"
    body = {"text": Texts().text(text, "TEXT"), "evidence_ref": evidence, "reason": reason}
    act = Act(f"write down the {what} of signal {signal_id}", "POST", f"{place}/{what}", body)
    carry_out(act, project=project, dry_run=dry_run, as_json=as_json)


def _own_project(topic: str, reason: str) -> Act:
    if (name := project_of_topic(topic)) is None:
        raise UsageError(f"the topic {topic[:60]!r} makes no name of a project")
    body = {"project_id": name, "title": topic[:200], "reason": reason}
    return Act(f"make project {name} and send a signal on {topic}", "POST", "/api/projects", body)


def _make(making: Act, *, dry_run: bool) -> bool:
    """Make the project where there is none, and say whether it is new."""
    with connected(whole=True) as client:
        return bool(client.act(making.method, making.path, making.body, dry_run=dry_run)["created"])
