"""A session's events in short words, so that what a recorded stream means can be read at one look."""

from __future__ import annotations

from itertools import chain, groupby
from pathlib import Path

from watchkeeper.agents.adapter import Stream
from watchkeeper.domain.sessions.events import (
    Limited,
    Retrying,
    SessionEvent,
    ToolClosed,
    ToolOpened,
    TurnEnded,
)


def words(stream: Stream, recorded: Path) -> str:
    """Give what a recorded stdout, and the stderr beside it, mean; what comes n times in a row is told once."""
    lines = recorded.read_text("utf-8").splitlines()
    beside = recorded.with_suffix(".stderr.txt")
    complaints = beside.read_text("utf-8").splitlines() if beside.exists() else []
    events = chain.from_iterable([*map(stream.read, lines), *map(stream.read_error, complaints)])
    told = [(one, len(list(same))) for one, same in groupby(word(event) for event in events)]
    return " ".join(one if times == 1 else f"{one}*{times}" for one, times in told)


def word(event: SessionEvent) -> str:
    match event:
        case TurnEnded(ok=True):
            return "done"
        case TurnEnded(trouble=trouble):
            return f"failed:{trouble}"
        case Retrying(trouble=trouble):
            return f"retrying:{trouble}"
        case Limited(until=until):
            return "limited" if until is None else "limited-until"
        case ToolOpened(tool=tool):
            return f"open:{tool}"
        case ToolClosed(failed=failed, wrote=wrote):
            return "close" + (":failed" if failed else "") + (":wrote" if wrote else "")
    return type(event).__name__.lower()
