"""Maintenance windows: opened for a while, closed before their end."""

from __future__ import annotations

from collections.abc import Mapping

from watchkeeper.domain.errors import NotFound
from watchkeeper.domain.principals import Right
from watchkeeper.interfaces.console import words
from watchkeeper.interfaces.console.acts.act import Act, Fact, Field, Seen
from watchkeeper.interfaces.console.ground import Ground
from watchkeeper.interfaces.console.i18n import message
from watchkeeper.interfaces.console.visit import Visit
from watchkeeper.services.operations import as_uuid


async def look_at_project(ground: Ground, visit: Visit, project: str, target: Mapping[str, str]) -> Seen:  # noqa: ARG001
    rows = [row for row in await ground.app.windows.list(project) if row["state"] in ("open", "to_come")]
    facts: tuple[Fact, ...] = tuple((message("Ends"), row["ends_at"]) for row in rows[:5])
    return Seen(project, ((message("Windows that are open or to come"), str(len(rows))), *facts))


async def look(ground: Ground, visit: Visit, project: str, target: Mapping[str, str]) -> Seen:  # noqa: ARG001
    found = as_uuid(target["window_id"])
    if found is None:
        raise NotFound("there is no such maintenance window here")
    row = await ground.app.windows.show(project, found)
    facts: tuple[Fact, ...] = (
        (message("State"), words.WINDOW_STATES[row["state"]]),
        (message("Host"), row["host_id"] or "*"),
        (message("Begins"), row["starts_at"]),
        (message("Ends"), row["ends_at"]),
        (message("Reason"), row["reason"]),
    )
    return Seen(row["host_id"] or project, facts, row["state"], frozenset({str(row["id"])}))


OPEN = Act(
    name="window-open",
    route="POST /api/maintenance-windows",
    right=Right.MANAGE_POLICY,
    title=message("Open a maintenance window"),
    plan=message("For its time the host may be acted on, where all other conditions hold, too."),
    touches=message("One host, or every host of the project where none is named."),
    stays=message("Alerts and rules: a window silences nothing."),
    undo=message("It can be closed at any time; what was done meanwhile stays done."),
    otherwise=message("No host is acted on."),
    look=look_at_project,
    fields=(
        Field("hours", message("Hours that it is open, 72 at most"), "number", default="2", is_required=True),
        Field("host_id", message("Host; empty: every host of the project")),
        Field("starts_at", message("Begins; empty: at once"), "time"),
    ),
)
CLOSE = Act(
    name="window-close",
    route="POST /api/maintenance-windows/{window_id}/close",
    right=Right.MANAGE_POLICY,
    title=message("Close the maintenance window"),
    plan=message("The grant ends at once."),
    touches=message("One window."),
    stays=message("What was done meanwhile stays done."),
    undo=message("It does not open again; another one can be opened."),
    otherwise=message("It ends by itself at its time."),
    look=look,
    target=("window_id",),
)

ACTS = (OPEN, CLOSE)
