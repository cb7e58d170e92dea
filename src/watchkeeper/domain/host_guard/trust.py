"""How far a playbook is trusted: by what its acts came to, each counted once. A program only ever lowers a level."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from watchkeeper.domain.shares import wilson

SUPERVISED_RUNS = 30
SUPERVISED_BOUND = 0.85
"""From so many runs and so high a lower bound on, without harm in 90 days, a person may grant more."""


class Level(StrEnum):
    """`supervised`: each act needs its gates, as ever. `ready`: a person may raise it. `suggest`: only planned."""

    SUGGEST = "suggest"
    SUPERVISED = "supervised"
    READY = "ready_to_be_raised"


@dataclass(frozen=True, slots=True)
class Trust:
    """The runs of one playbook. A return within the guard's days makes a verified run an ineffective one."""

    playbook: str
    runs: int
    verified: int
    ineffective: int
    harmful: int
    harmful_lately: int = 0

    @property
    def lower_bound(self) -> float:
        """Give the share of its runs that are verified, at 95 %, at the least."""
        return wilson(self.verified, self.runs)[0]

    @property
    def level(self) -> Level:
        if self.harmful_lately:
            return Level.SUGGEST
        is_proven = self.runs >= SUPERVISED_RUNS and self.lower_bound >= SUPERVISED_BOUND
        return Level.READY if is_proven else Level.SUPERVISED

    def to_json(self) -> dict[str, object]:
        return {
            "playbook": self.playbook,
            "runs": self.runs,
            "verified": self.verified,
            "ineffective": self.ineffective,
            "harmful": self.harmful,
            "lower_bound": self.lower_bound,
            "level": self.level.value,
        }
