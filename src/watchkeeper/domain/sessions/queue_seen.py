"""The ticks of a dispatcher: since when nothing was given out, and whether it had a reason."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from watchkeeper.domain.sessions.facts import QueueTick

GOOD_REASONS = re.compile(
    r"paus|full|limit|capacity|slot|quota|park|cool|rate|throttl|not_?due|schedul|later|back.?off|unique|depend|wait"
    r"|stopped|claims_off|switched|drain|maintenance|quiet|budget|busy|reserved|quarantin|approval|held|hold",
    re.IGNORECASE,
)
"""Reasons for which work is rightly held back; a dispatcher that names another, or none, is stuck."""


@dataclass(slots=True)
class QueueSeen:
    """`stuck_since` is the first tick of those that gave out nothing and could not say why."""

    stuck_since: float | None = None
    ticks: int = 0
    before: QueueTick | None = None
    reasons: Counter[str] = field(default_factory=Counter)

    def take(self, at: float, tick: QueueTick) -> None:
        before, self.before = self.before, tick
        moved = before is not None and (tick.ready < before.ready or tick.running != before.running)
        if tick.ready <= 0 or tick.spawned > 0 or moved or has_reason(tick):
            self.stuck_since, self.ticks = None, 0
            self.reasons.clear()
            return
        self.stuck_since = at if self.stuck_since is None else self.stuck_since
        self.ticks += 1
        self.reasons.update(tick.declined)


def has_reason(tick: QueueTick) -> bool:
    """Say whether all that was declined was declined rightly; nothing declined is no reason."""
    return bool(tick.declined) and all(GOOD_REASONS.search(reason) for reason in tick.declined)
