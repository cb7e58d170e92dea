"""`lesson`: what was learnt, in and out as JSON, published and retired."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from watchkeeper.interfaces.cli.acting import Act, carry_out, reason_or_default
from watchkeeper.interfaces.cli.client import connected, part
from watchkeeper.interfaces.cli.contract.texts import Texts
from watchkeeper.interfaces.cli.options import DryRun, Json, Project, Reason
from watchkeeper.interfaces.cli.output import show

lesson = typer.Typer(no_args_is_help=True, help="Lessons: list, show, import, export, publish, retire.")

COLUMNS = {
    "lesson": "id",
    "state": "state",
    "topic": "topic_key",
    "kind": "kind",
    "learned": "learned",
    "by": "author",
    "confirmed": "confirmed",
    "refuted": "refuted",
}

LessonId = Annotated[str, typer.Argument(metavar="LESSON", help="The lesson's id.")]


class State(StrEnum):
    PROPOSED = "proposed"
    PUBLISHED = "published"
    RETIRED = "retired"


@lesson.command("list")
def list_lessons(
    state: Annotated[State | None, typer.Option(help="Only those of this state.")] = None,
    topic: Annotated[str | None, typer.Option(help="Only those of this topic.")] = None,
    kind: Annotated[str | None, typer.Option(help="Only those about this kind.")] = None,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """List lessons, the newest first."""
    with connected(project) as client:
        rows = client.pages("/api/lessons", "lessons", state=state, topic=topic, kind=kind)
    answer = {"ok": True, "lessons": rows} if as_json else rows
    show(answer, as_json=as_json, columns=COLUMNS, empty="no lessons")


@lesson.command("show")
def show_lesson(lesson_id: LessonId, project: Project = None, as_json: Json = False) -> None:
    """Show one lesson, and how it did."""
    with connected(project) as client:
        answer = client.get(f"/api/lessons/{part(lesson_id)}")
    show(answer if as_json else answer["lesson"], as_json=as_json)


@lesson.command("import")
def import_lesson(
    document: Annotated[str, typer.Argument(help="The document as JSON, @FILE, or -.")],
    reason: Reason = None,
    project: Project = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Keep a lesson's document, proposed until it is published; the same document is kept once."""
    body = Texts().json(document, "DOCUMENT")
    query = {"reason": reason_or_default(reason)}
    act = Act("import a lesson", "POST", "/api/lessons", body, query=query)
    answer = carry_out(act, project=project, dry_run=dry_run, as_json=as_json, quiet=True)
    if not as_json and not dry_run:
        known = " (it was known)" if answer["lesson"]["existing"] else ""
        show(None, as_json=False, empty=f"lesson {answer['lesson']['id']}{known}")


@lesson.command("export")
def export_lesson(lesson_id: LessonId, project: Project = None, as_json: Json = False) -> None:
    """Print a lesson's document as it was imported."""
    with connected(project) as client:
        answer = client.get(f"/api/lessons/{part(lesson_id)}")
    document = answer["lesson"]["document"]
    show({"ok": True, "document": document} if as_json else document, as_json=True)


@lesson.command()
def publish(
    lesson_id: LessonId,
    reason: Reason = None,
    project: Project = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Let a lesson be handed to workers."""
    _move(lesson_id, "publish", reason, project, dry_run=dry_run, as_json=as_json)


@lesson.command()
def retire(
    lesson_id: LessonId,
    reason: Reason = None,
    project: Project = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Hand a lesson out no more; this also refuses a proposed one."""
    _move(lesson_id, "retire", reason, project, dry_run=dry_run, as_json=as_json)


def _move(
    lesson_id: str, verb: str, reason: str | None, project: str | None, *, dry_run: bool, as_json: bool
) -> None:
    place = f"/api/lessons/{part(lesson_id)}"
    body = {"reason": reason_or_default(reason)}
    act = Act(f"{verb} lesson {lesson_id}", "POST", f"{place}/{verb}", body)
    carry_out(act, project=project, dry_run=dry_run, as_json=as_json)
