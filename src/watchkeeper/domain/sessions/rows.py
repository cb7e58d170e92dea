"""Facts of a session as rows that are kept, and back: the sources and events of the truth corpus (docs/corpus.md).

What an agent's stream said stands under its event's own name instead of its line: lines are not kept, and their meaning
is the same for every agent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import Any, get_args

from watchkeeper.domain.sessions.events import SessionEvent, ToolClosed, ToolOpened, Trouble
from watchkeeper.domain.sessions.facts import (
    ArtifactChecked,
    ClockJumped,
    ContractCall,
    ErrorLine,
    Interrupted,
    LeaseChanged,
    ProcessesLeft,
    ProcessExited,
    ProcessSample,
    ProcessStarted,
    QueueTick,
    SeenProcess,
    SessionFact,
    TranscriptGrew,
    WorkspaceChanged,
)

OF_THE_STREAM = "stdout"
"""The source of what the agent itself told."""

MOST_PROCESSES = 40
MOST_SHOWN = 500
"""So many characters are kept of a command, from its beginning, and of a result, from its end."""

CUT = "\N{HORIZONTAL ELLIPSIS}"


@dataclass(frozen=True, slots=True)
class FactRow:
    """One row: which source told it, what happened, and the facts of it."""

    source: str
    event: str
    fields: dict[str, Any]


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


STREAM: dict[str, type[SessionEvent]] = {_snake(kind.__name__): kind for kind in get_args(SessionEvent)}
_PLAIN: dict[type[SessionFact], tuple[str, str]] = {
    ProcessStarted: ("proc", "start"),
    ProcessExited: ("proc", "exit"),
    Interrupted: ("proc", "signal"),
    ArtifactChecked: ("artifact", "check"),
    WorkspaceChanged: ("workspace", "change"),
    TranscriptGrew: ("transcript", "grew"),
    ErrorLine: ("stderr", "line"),
    QueueTick: ("queue", "tick"),
    ClockJumped: ("clock", "jump"),
}
_OF_PLAIN = {place: kind for kind, place in _PLAIN.items()}
_RENAMED = {("stderr", "line"): {"text": "line"}}


def row_of(fact: SessionFact) -> FactRow:
    """Give the row of a fact; what stands at its default is left out."""
    match fact:
        case ContractCall():
            return FactRow("contract", fact.command, _told(fact, "command") | {"ok": fact.ok})
        case LeaseChanged():
            return FactRow("lease", fact.change, _told(fact, "change"))
        case ProcessSample():
            sockets = {} if fact.sockets is None else {"sockets": fact.sockets}
            return FactRow("proc", "sample", {"processes": _processes(fact.processes), **sockets})
        case ProcessesLeft():
            return FactRow("proc", "left", {"processes": _processes(fact.processes)})
        case ToolOpened() if len(fact.shown) > MOST_SHOWN:
            return FactRow(
                OF_THE_STREAM, "tool_opened", _told(fact) | {"shown": fact.shown[:MOST_SHOWN] + CUT}
            )
        case ToolClosed() if len(fact.shown) > MOST_SHOWN:
            return FactRow(
                OF_THE_STREAM, "tool_closed", _told(fact) | {"shown": CUT + fact.shown[-MOST_SHOWN:]}
            )
    if (place := _PLAIN.get(type(fact))) is not None:
        renamed = _RENAMED.get(place, {})
        return FactRow(*place, {renamed.get(name, name): value for name, value in _told(fact).items()})
    return FactRow(OF_THE_STREAM, _snake(type(fact).__name__), _told(fact))


def fact_of(row: FactRow) -> SessionFact | None:
    """Give the fact of a row; None for one that names nothing known, or whose fields do not fit."""
    try:
        return _read(row)
    except (TypeError, ValueError, KeyError, AttributeError):
        return None


def _read(row: FactRow) -> SessionFact | None:
    given = dict(row.fields)
    match row.source, row.event:
        case "contract", command:
            return ContractCall(command, **_known(ContractCall, given))
        case "lease", change:
            return LeaseChanged(change, **_known(LeaseChanged, given))
        case "proc", "sample":
            return ProcessSample(_seen(given["processes"]), given.get("sockets"))
        case "proc", "left":
            return ProcessesLeft(_seen(given["processes"]))
    place = (row.source, row.event)
    kind = STREAM.get(row.event) if row.source == OF_THE_STREAM else _OF_PLAIN.get(place)
    if kind is None:
        return None
    back = {told: name for name, told in _RENAMED.get(place, {}).items()}
    made: SessionFact = kind(**_known(kind, {back.get(name, name): value for name, value in given.items()}))
    return made


def _known(kind: type[Any], given: dict[str, Any]) -> dict[str, Any]:
    names = {one.name: one for one in fields(kind)}
    known: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in given.items()
        if name in names
    }
    if known.get("trouble") is not None:
        known["trouble"] = Trouble(known["trouble"])
    return known


def _told(fact: Any, *without: str) -> dict[str, Any]:
    return {
        one.name: list(value) if isinstance(value, tuple) else value
        for one in fields(fact)
        if one.name not in without and (value := getattr(fact, one.name)) != one.default
    }


def _processes(seen: tuple[SeenProcess, ...]) -> list[dict[str, Any]]:
    return [
        {one.name: getattr(process, one.name) for one in fields(process)} for process in seen[:MOST_PROCESSES]
    ]


def _seen(given: list[dict[str, Any]]) -> tuple[SeenProcess, ...]:
    return tuple(SeenProcess(**_known(SeenProcess, process)) for process in given)
