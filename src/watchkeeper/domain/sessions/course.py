"""How a trouble takes its course if nothing more is told: from which moment on what is to be done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from watchkeeper.domain.sessions.diagnosis import Action, FailureClass
from watchkeeper.domain.sessions.limits import SessionLimits
from watchkeeper.domain.sessions.record import SessionRecord

NEVER = float("inf")
"""The moment of a rung that is reached only when nothing more will be told."""


class Rung(NamedTuple):
    """From `at` on, `action`."""

    at: float
    action: Action


@dataclass(frozen=True, slots=True)
class Course:
    """A trouble of a session, and its rungs in order of time.

    `is_verdict`: it waits only for what may still come in, and stands at once where nothing more can.
    """

    failure: FailureClass
    rungs: tuple[Rung, ...]
    because: str
    evidence: dict[str, Any] = field(default_factory=dict)
    until: float | None = None
    is_verdict: bool = False

    def reached(self, now: float) -> Rung | None:
        """Give the rung that holds now; None where it has not begun."""
        held = [rung for rung in self.rungs if rung.at <= now]
        return held[-1] if held else None

    def next_after(self, now: float) -> float | None:
        """Give the next rung's moment; one that only the end of the facts brings has none."""
        return min((rung.at for rung in self.rungs if now < rung.at < NEVER), default=None)


Judge = Callable[[SessionRecord, SessionLimits], Course | None]
"""Says of what is recorded which course one trouble takes; None where there are no signs of it."""


def rising(since: float, warn: float, act: float, settle: float, action: Action) -> tuple[Rung, ...]:
    """Observe, touch (which takes one last look at all three sources), and one tick later act."""
    return (
        Rung(since + warn, Action.NONE),
        Rung(since + act, Action.TOUCH),
        Rung(since + act + settle, action),
    )
