"""What a person does about an agent's session that runs."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from watchkeeper.domain.errors import NotFound
from watchkeeper.domain.principals import Right
from watchkeeper.interfaces.console import words
from watchkeeper.interfaces.console.acts.act import Act, Fact, Seen
from watchkeeper.interfaces.console.format import short
from watchkeeper.interfaces.console.ground import Ground, Row
from watchkeeper.interfaces.console.i18n import message
from watchkeeper.interfaces.console.visit import Visit
from watchkeeper.services.operations import as_uuid

COMMAND = "command"
"""A plain command has no thread that could go on: who wants it ended cancels its job."""


async def look(ground: Ground, visit: Visit, project: str, target: Mapping[str, str]) -> Seen:  # noqa: ARG001
    session: UUID | None = as_uuid(target["session_id"])
    if session is None:
        raise NotFound("there is no such session here")
    row = await ground.app.sessions.reading.show(project, session)
    facts: tuple[Fact, ...] = (
        (message("State"), words.SESSION_STATES.get(row["state"], words.UNKNOWN)),
        (message("Agent"), row["agent"]),
        (message("Worker"), row["worker_id"]),
        (message("Turns"), str(row["turns"])),
        (message("Last event"), row["last_event_at"]),
    )
    marks = frozenset({str(row["id"]), str(row["job_id"])})
    return Seen(f"{short(row['id'])} {row['agent']}", facts, f"{row['turns']} {row['ended_at']}", marks)


INTERRUPT = Act(
    name="session-interrupt",
    route="POST /api/sessions/{session_id}/interrupt",
    right=Right.OPERATE,
    title=message("Interrupt the turn"),
    plan=message(
        "Its supervisor cuts the turn at its next renewal and goes on with the thread; the agent is told your reason."
    ),
    touches=message("One turn of one session. It is not counted as a restart."),
    stays=message("Its workspace, its lease and what it did before stay."),
    undo=message("A turn that was cut is not put back; the thread goes on from there."),
    otherwise=message("It goes on, and is ended by its clocks if it stalls."),
    look=look,
    target=("session_id",),
)


def possible(session: Row) -> list[Act]:
    """Give the acts that a session allows."""
    runs = session["ended_at"] is None and session["agent"] != COMMAND
    return [INTERRUPT] if runs else []


ACTS = (INTERRUPT,)
