"""`sessions`: what agents do: lists, one with its clocks, following one, its text, a recording to hand on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from watchkeeper.interfaces.cli.acting import Act, carry_out, reason_or_default
from watchkeeper.interfaces.cli.client import connected, part
from watchkeeper.interfaces.cli.options import DryRun, Json, Project, Reason
from watchkeeper.interfaces.cli.output import show, write
from watchkeeper.interfaces.cli.session_streams import PATH, SessionId, attach, export, transcript
from watchkeeper.interfaces.cli.session_text import at, line_of

sessions = typer.Typer(
    no_args_is_help=True, help="Agent sessions: list, look at, follow, read, cut, hand on."
)
for command in (attach, transcript, export):
    sessions.command()(command)

COLUMNS = {
    "id": "id",
    "state": "state",
    "agent": "agent",
    "job": "job_id",
    "worker": "worker_id",
    "age": "age",
    "last event": "last_event",
    "ago": "ago",
    "tokens": "tokens_used",
    "cost, $": "cost",
    "class": "class",
}
CLOCKS = {"clock": "clock", "runs for": "runs for", "warns in": "warns in", "acts in": "acts in"}
LEFT = {"pid": "pid", "command": "command", "why": "why"}
APART = ("standing", "diagnosis", "unknown_kinds", "left_processes", "clocks", "budget")


@sessions.command("list")
def list_sessions(
    job: Annotated[str | None, typer.Option(help="Only those of this job.")] = None,
    worker: Annotated[str | None, typer.Option(help="Only those of this worker.")] = None,
    live: Annotated[
        bool | None, typer.Option("--live/--ended", help="Only those that go on, or that are over.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 50,
    cursor: Annotated[str | None, typer.Option(help="Where the page before this one ended.")] = None,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """List agent sessions, the newest first."""
    wanted = None if live is None else str(live).lower()
    with connected(project) as client:
        page = client.get(PATH, job=job, worker=worker, live=wanted, limit=limit, cursor=cursor)
    if as_json:
        show(page, as_json=True)
        return
    rows = [
        {**row, "age": span(row["age_s"]), "ago": span(row["last_event_age_s"])} for row in page["sessions"]
    ]
    show(rows, as_json=False, columns=COLUMNS, empty=client.nothing("sessions"))
    if page["next_cursor"]:
        write(f"more: --cursor {page['next_cursor']}")


@sessions.command("show")
def show_session(session: SessionId, project: Project = None, as_json: Json = False) -> None:
    """Show one session: how it stands, its clocks and what is left of them, what it cost, and what was left of it."""
    with connected(project) as client:
        found = client.get(f"{PATH}/{part(session)}")["session"]
    if as_json:
        show(found, as_json=True)
        return
    apart = {name: found.pop(name, None) for name in APART}
    show({name: value for name, value in found.items() if value is not None}, as_json=False)
    if found["class"]:
        _tell_diagnosis(apart["diagnosis"] or {})
    if apart["clocks"]:
        show([_clock(clock) for clock in apart["clocks"]], as_json=False, columns=CLOCKS)
    left = {name: value for name, value in (apart["budget"] or {}).items() if value is not None}
    if left:
        write(", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in left.items()))
    for name in ("standing", "unknown_kinds"):
        if apart[name]:
            write(f"{name}: {json.dumps(apart[name], ensure_ascii=False)}")
    if apart["left_processes"]:
        write("processes that were left:")
        show(apart["left_processes"], as_json=False, columns=LEFT)


@sessions.command()
def lines(
    session: SessionId,
    find: Annotated[str | None, typer.Option(help="Only lines with this text.")] = None,
    kind: Annotated[
        list[str] | None, typer.Option(help="Only lines of this kind: say, tool, error, contract, state.")
    ] = None,
    before: Annotated[int | None, typer.Option(min=0, help="Where the page after this one begins.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 100,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Print the newest lines of a session, or those of some kinds or with some text; earlier ones by --before."""
    asked = {"find": find, "kind": kind or None, "before": before, "limit": limit}
    with connected(project) as client:
        found = client.get(f"{PATH}/{part(session)}/lines", **asked)
    if as_json:
        show(found, as_json=True)
        return
    for event in found["lines"]:
        write(f"[{at(event['t'] or 0.0)}] {line_of(event)}")
    if found["earlier"] is not None:
        write(f"earlier: --before {found['earlier']}")


@sessions.command()
def interrupt(
    session: SessionId,
    reason: Reason = None,
    project: Project = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Have a session's turn cut: its supervisor goes on with the same thread, and tells the agent the reason."""
    body = {"reason": reason_or_default(reason)}
    path = f"{PATH}/{part(session)}"
    act = Act(f"interrupt session {session}", "POST", f"{path}/interrupt", body, look=path)
    carry_out(act, project=project, dry_run=dry_run, as_json=as_json)


def _tell_diagnosis(diagnosis: Mapping[str, Any]) -> None:
    if diagnosis.get("failure"):
        write(f"{diagnosis['failure']}: {diagnosis['because']} (next: {diagnosis['action']})")
        if diagnosis["evidence"]:
            write(f"evidence: {json.dumps(diagnosis['evidence'], ensure_ascii=False)}")


def _clock(clock: Mapping[str, Any]) -> dict[str, str]:
    return {
        "clock": clock["clock"],
        "runs for": span(clock["runs_s"]),
        "warns in": span(clock["warn_left_s"]),
        "acts in": span(clock["act_left_s"]),
    }


def span(seconds: float | None) -> str:
    """Give a length of time as people say it; one that is over as `now`."""
    if seconds is None:
        return "-"
    if seconds <= 0:
        return "now"
    whole = int(seconds)
    days, hours, minutes = whole // 86_400, whole % 86_400 // 3_600, whole % 3_600 // 60
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {whole % 60} s" if minutes else f"{whole} s"
