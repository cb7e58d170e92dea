"""What the database knows of one project, as its reports judge it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from watchkeeper.domain.judging import NOTHING, Share


@dataclass(frozen=True, slots=True)
class ProjectFacts:
    """Counts of the reported days. `real` incidents are those of no drill and no shadow job, by rule.

    `stuck_age_seconds` is None where the watchdog does not tick. `golden` are the latest drills by name. `persona` has
    the advanced heartbeats of the earlier and the later half. `routed`: missing kinds that a pause or a fail
    ended, of those and the ones that are open; where a worker appeared, nothing was impossible.
    """

    started_at: datetime
    now: datetime
    ticks: bool = False
    incidents: Mapping[str, int] = field(default_factory=dict)
    real: Mapping[str, int] = field(default_factory=dict)
    repairs: Mapping[str, int] = field(default_factory=dict)
    phases: Mapping[str, int] = field(default_factory=dict)
    golden: Mapping[str, bool] = field(default_factory=dict)
    classified: Share = NOTHING
    retries: Share = NOTHING
    gate: Share = NOTHING
    false_completes: Share = NOTHING
    stuck_age_seconds: float | None = None
    contract_failures: Share = NOTHING
    evidence: Share = NOTHING
    advancement: Share = NOTHING
    earlier: Share = NOTHING
    later: Share = NOTHING
    repaired: Share = NOTHING
    learnt: Share = NOTHING
    proposed: Share = NOTHING
    routed: Share = NOTHING
    answered: Share = NOTHING
    kinds_known: Share = NOTHING
    captured: Share = NOTHING
    slos: Share = NOTHING
    escalations: int = 0
    scored_workers: int = 0
    scored_roles: int = 0
    helper_events: int = 0
    runbooks: int = 0
    seals: int = 0
    undoable: int = 0
    d30_decided: int = 0
    adopted: int = 0
    revised: int = 0

    def seen(self, *rules: str, real: bool = False) -> int:
        """Count incidents of any of these rules."""
        counted = self.real if real else self.incidents
        return sum(counted.get(rule, 0) for rule in rules)

    def repaired_by(self, *actions: str) -> int:
        """Count repairs of any of these actions that succeeded."""
        return sum(self.repairs.get(action, 0) for action in actions)

    @property
    def real_incidents(self) -> int:
        return sum(self.real.values())

    @property
    def persona_change(self) -> float | None:
        """Give by how much the later half advanced more often than the earlier; None without enough of both."""
        if not (self.earlier.is_enough and self.later.is_enough):
            return None
        return (self.later.value or 0.0) - (self.earlier.value or 0.0)
