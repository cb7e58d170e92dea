"""`why`: what holds a job, a kind or a worker up, and what would change it."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any

import typer

from watchkeeper.interfaces.cli.client import connected, part
from watchkeeper.interfaces.cli.options import Json, Project
from watchkeeper.interfaces.cli.output import cell, show, write
from watchkeeper.interfaces.cli.workers import QUEUES

FACTS = {"fact": "fact", "says": "value", "more": "said", "age": "age"}
INCIDENTS = {
    "rule": "rule",
    "severity": "severity",
    "state": "state",
    "since": "opened_at",
    "next": "next_action",
    "id": "id",
}


class Of(StrEnum):
    JOB = "job"
    KIND = "kind"
    WORKER = "worker"


def why(
    name: Annotated[str, typer.Argument(help="A job's id or external id, a kind, or a worker.")],
    of: Annotated[
        Of | None, typer.Option("--of", help="What the name is of, where several things have it.")
    ] = None,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Say why a job, a kind or a worker stands as it does, the facts behind it, and what would change it."""
    with connected(project) as client:
        found = client.get(f"/api/why/{part(name)}", of=of)
    if as_json:
        show(found, as_json=True)
        return
    show(_answer(found), as_json=False)
    if found.get("queues"):
        show(found["queues"], as_json=False, columns=QUEUES)
    if found["incidents"]:
        write("open incidents:")
        show(found["incidents"], as_json=False, columns=INCIDENTS)
    write("facts:")
    rows = [{**fact, "age": _age(fact["age_s"])} for fact in found["facts"]]
    show(rows, as_json=False, columns=FACTS, empty="none")


def _answer(found: dict[str, Any]) -> dict[str, Any]:
    subject = found["subject"]
    name = subject.get("id") or subject.get("worker_id") or subject["kind"]
    told = {
        subject["type"]: name,
        "state": found["state"],
        "reason": found["reason"],
        "why": found["sentence"],
        "class": found.get("class"),
        "known from": found.get("cause"),
        "suggested repair": (found.get("suggested_repair") or {}).get("action"),
        "next action": found.get("next_action"),
        "what would change it": found["changes"],
    }
    return {name: value for name, value in told.items() if value is not None}


def _age(seconds: float | None) -> str:
    """Show an age to the second; a time ahead as one that is to come."""
    if seconds is None:
        return cell(None)
    whole = timedelta(seconds=round(abs(seconds)))
    return f"in {whole}" if seconds < 0 else str(whole)
