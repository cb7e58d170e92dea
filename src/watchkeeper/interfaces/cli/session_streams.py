"""`sessions attach|transcript|export`: one session's events: as they come, as a text, as a recording to hand on."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer

from watchkeeper.domain.errors import DatabaseUnavailable, ServerUnreachable, UsageError
from watchkeeper.domain.sessions.recordings import recording
from watchkeeper.interfaces.cli.client import Client, connected, part
from watchkeeper.interfaces.cli.options import Json, Project
from watchkeeper.interfaces.cli.output import show, write
from watchkeeper.interfaces.cli.session_text import at, is_conversation, line_of, safe

PATH = "/api/sessions"
WAIT_SECONDS = 20.0
AWAY_SECONDS = 2.0
MOST_TRIES = 30
"""So often in a row, with pauses between, a server that is away is asked again before following is given up."""

INTERRUPTED_EXIT = 130

SessionId = Annotated[str, typer.Argument(metavar="SESSION", help="The session's id.")]


def attach(
    session: SessionId,
    since: Annotated[int, typer.Option("--after", min=0, help="Only events after this number.")] = 0,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Follow a session until it ends; Ctrl-C leaves it alone. --json prints an event a line."""
    try:
        with connected(project) as client:
            _follow(client, session, since, as_json=as_json)
    except KeyboardInterrupt:
        print("watchkeeper: no longer followed; the session goes on", file=sys.stderr)
        raise typer.Exit(INTERRUPTED_EXIT) from None


def transcript(session: SessionId, project: Project = None, as_json: Json = False) -> None:
    """Print what was said and done in a session as text, from its begin."""
    with connected(project) as client:
        found = client.get(f"{PATH}/{part(session)}")["session"]
        events = [event for event in _events(client, session) if is_conversation(event)]
        if as_json:
            show({"ok": True, "session": found, "events": events}, as_json=True)
            return
        prompt = _prompt(client, found)
    write(f"{found['agent']}, session {found['id']} of job {found['job_id']}, {found['state']}")
    if prompt:
        write(f"\n[prompt] {safe(prompt)}")
    for event in events:
        write(f"\n[{at(event['t'] or 0.0)}] {line_of(event)}")
    if found["events_dropped"]:
        write(f"\n{found['events_dropped']} events are not in the record: there were too many")


def export(
    session: SessionId,
    to: Annotated[
        Path | None, typer.Option("--to", help="The file; else it is printed.", dir_okay=False)
    ] = None,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Write a session as a redacted recording, in the form of the truth corpus, to hand to a colleague."""
    with connected(project) as client:
        lines = recorded(client, session)
    write_lines(to, lines)
    if to is not None:
        told = {"ok": True, "file": str(to), "rows": len(lines) - 1}
        show(told, as_json=True) if as_json else write(
            f"{to}: {len(lines) - 1} rows; fill in its label before use"
        )


def recorded(client: Client, session: str) -> list[str]:
    """Give the lines of a session's recording: the label to be filled in, then its rows."""
    found = client.get(f"{PATH}/{part(session)}")["session"]
    return [
        json.dumps(row, ensure_ascii=False, default=str) for row in recording(found, _events(client, session))
    ]


def write_lines(to: Path | None, lines: list[str]) -> None:
    """Write lines to a file, or print them. Raises UsageError where it cannot be written."""
    try:
        with nullcontext(sys.stdout) if to is None else to.open("w", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in lines)
    except OSError as error:
        raise UsageError(f"{to} cannot be written: {error.strerror}") from error


def _follow(client: Client, session: str, after: int, *, as_json: bool) -> None:
    known: tuple[str, str | None] | None = None
    while True:
        told = _asked(client, f"{PATH}/{part(session)}/events", after=after, wait=WAIT_SECONDS)
        for event in told["events"]:
            line = (
                json.dumps(event, ensure_ascii=False)
                if as_json
                else f"[{at(event['t'] or 0.0)}] {line_of(event)}"
            )
            write(line)
        after = told["next_after"]
        if told["ended"] or not told["events"]:
            found = _asked(client, f"{PATH}/{part(session)}")["session"]
            stands = (found["state"], found["class"])
            if stands != known and not as_json:
                write(f"--- {found['state']}" + (f", {found['class']}" if found["class"] else ""))
            known = stands
        if told["ended"]:
            return


def _asked(client: Client, path: str, **query: Any) -> Any:
    """Ask, and again where the server is away for a while: who follows overnight wants to see the morning."""
    for left in reversed(range(MOST_TRIES)):
        try:
            return client.get(path, **query)
        except (ServerUnreachable, DatabaseUnavailable):
            if not left:
                raise
        time.sleep(AWAY_SECONDS)
    return None


def _events(client: Client, session: str) -> Iterator[dict[str, Any]]:
    after = 0
    while True:
        told = client.get(f"{PATH}/{part(session)}/events", after=after, limit=1000)
        yield from told["events"]
        if len(told["events"]) < 1000:
            return
        after = told["next_after"]


def _prompt(client: Client, session: dict[str, Any]) -> str | None:
    """Give what the job asks for, where it says so in words."""
    if session["job_id"] is None:
        return None
    payload = client.get(f"/api/jobs/{part(session['job_id'])}")["job"].get("payload")
    prompt = payload.get("prompt") if isinstance(payload, dict) else None
    return prompt if isinstance(prompt, str) else None
