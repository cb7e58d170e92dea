"""`needs`: what waits for a person, in the order in which to look."""

from __future__ import annotations

from typing import Annotated

import typer

from watchkeeper.interfaces.cli.client import connected
from watchkeeper.interfaces.cli.options import Json, Project
from watchkeeper.interfaces.cli.output import show, write

COLUMNS = {
    "what": "concern",
    "id": "id",
    "about": "about",
    "state": "state",
    "because": "reason",
    "said": "said",
    "blocks": "blocks",
    "until": "expires_at",
    "since": "since",
}


def needs(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 50,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """List what waits for a person: approvals first, then what expires soonest, blocks most jobs, is oldest."""
    with connected(project) as client:
        answer = client.get("/api/needs", limit=limit)
    if as_json:
        show(answer, as_json=True)
        return
    show(answer["needs"], as_json=False, columns=COLUMNS, empty="nothing needs you")
    if answer["more"]:
        write("there is more: --limit")
    if answer["folded"]:
        write(f"in hands already, or called right: {len(answer['folded'])} (--json lists them)")
    watch = answer["watchdog"]
    write(f"watchdog {'ok' if watch['ok'] else 'NOT OK'}, last tick {watch['last_tick_at'] or 'never'}")
