"""`people`: who was asked what until when, what they answered, and the messages to ask with."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.messages import MessageLanguage, MessageName, facts_of, message
from watchkeeper.interfaces.cli.acting import Act, carry_out, reason_or_default
from watchkeeper.interfaces.cli.client import connected, part
from watchkeeper.interfaces.cli.contract.texts import Texts
from watchkeeper.interfaces.cli.options import DryRun, Json, Project, Reason
from watchkeeper.interfaces.cli.output import show, write

people = typer.Typer(no_args_is_help=True, help="People: whom we asked, their answers, messages to ask with.")

COLUMNS = {
    "question": "id",
    "person": "person",
    "asked": "question",
    "due": "due_at",
    "overdue": "is_overdue",
    "answer": "answer",
    "effect": "effect",
}

SyncId = Annotated[str, typer.Argument(metavar="QUESTION", help="The question's id.")]
About = Annotated[str | None, typer.Option("--about-proposal", help="The proposal that it is about.")]


@people.command("list")
def list_people(
    unanswered: Annotated[bool, typer.Option("--unanswered", help="Only what is not answered.")] = False,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """List who was asked what, the newest first."""
    with connected(project) as client:
        rows = client.pages("/api/people-syncs", "people_syncs", unanswered=unanswered)
    answer = {"ok": True, "people_syncs": rows} if as_json else rows
    show(answer, as_json=as_json, columns=COLUMNS, empty="nobody was asked anything")


@people.command("show")
def show_question(sync_id: SyncId, project: Project = None, as_json: Json = False) -> None:
    """Show one question with its answer, and what came of it."""
    with connected(project) as client:
        answer = client.get(f"/api/people-syncs/{part(sync_id)}")
    show(answer if as_json else answer["people_sync"], as_json=as_json)


@people.command()
def ask(
    person: Annotated[str, typer.Argument(help="Who is asked.")],
    question: Annotated[str, typer.Argument(help="What: text, @FILE, or -.")],
    due: Annotated[datetime | None, typer.Option(help="Until when, by this machine's time zone.")] = None,
    channel: Annotated[str | None, typer.Option(help="Where they were asked.")] = None,
    about_proposal: About = None,
    project: Project = None,
    reason: Reason = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Write down who is asked what until when; who does not answer in time is reminded once."""
    body: dict[str, Any] = {
        "person": person,
        "question": Texts().text(question, "QUESTION"),
        "due_at": None if due is None else due.astimezone(UTC).isoformat(),
        "channel": channel,
        "proposal_id": about_proposal,
        "reason": reason_or_default(reason),
    }
    act = Act(f"ask {person}", "POST", "/api/people-syncs", body)
    answer = carry_out(act, project=project, dry_run=dry_run, as_json=as_json, quiet=True)
    if not as_json and not dry_run:
        show(None, as_json=False, empty=f"question {answer['people_sync']['id']}")


@people.command()
def answer(
    sync_id: SyncId,
    text: Annotated[str, typer.Argument(help="The answer: text, @FILE, or -.")],
    project: Project = None,
    reason: Reason = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Record an answer; one like 'adopt=watchdog_config' accepts the proposal in question."""
    place = f"/api/people-syncs/{part(sync_id)}"
    body = {"answer": Texts().text(text, "TEXT"), "reason": reason_or_default(reason)}
    act = Act(f"record the answer to {sync_id}", "POST", f"{place}/answer", body)
    _recorded(carry_out(act, project=project, dry_run=dry_run, as_json=as_json), as_json or dry_run)


@people.command()
def reply(
    text: Annotated[str, typer.Argument(help="owner=...; adopt=...; alert_channel=...; ...")],
    about_proposal: About = None,
    project: Project = None,
    reason: Reason = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Record an operator's reply to a question that was asked elsewhere."""
    body = {
        "text": Texts().text(text, "TEXT"),
        "proposal_id": about_proposal,
        "reason": reason_or_default(reason),
    }
    act = Act("record the reply", "POST", "/api/operator-replies", body)
    _recorded(carry_out(act, project=project, dry_run=dry_run, as_json=as_json), as_json or dry_run)


@people.command("message")
def write_message(
    name: Annotated[MessageName, typer.Argument(help="Which message.")],
    language: Annotated[MessageLanguage, typer.Option(help="In which language.")] = MessageLanguage.EN,
    facts: Annotated[
        list[str] | None, typer.Option("--fact", help="NAME=VALUE, for each fact of the message.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Print a message to send: the drafts of this installation, with your facts in them."""
    given = {name: value for name, _, value in (fact.partition("=") for fact in facts or [])}
    if missing := facts_of(name) - given.keys():
        raise UsageError(
            f"the message needs {', '.join(sorted(missing))}", hint="Give each as --fact NAME=VALUE."
        )
    told = message(name, language, given)
    if as_json:
        show({"ok": True, "name": name, "language": language, "text": told.text}, as_json=True)
    else:
        write(told.text)


def _recorded(told: Any, is_quiet: bool) -> None:
    if is_quiet:
        return
    if effect := told["people_sync"]["effect"]:
        write(effect)
    if told["asks"]:
        write(f"to be said now: {', '.join(told['asks'])} (question {told['next_question']})")
