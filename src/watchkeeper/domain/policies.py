"""What an installation decided: thresholds, what each rule may do by itself, and who is asked.

The config document gives it; without one these defaults hold. Version and digest stand on everything it decided.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from watchkeeper.domain.rules.names import Escalation, NextAction, RepairAction, RuleName, Severity


class PolicyMode(StrEnum):
    """How far a rule's plan goes by itself.

    `observe` plans and records, and acts on nothing; `auto` acts; `supervisor` and `owner` wait for that role's word.
    """

    OFF = "off"
    OBSERVE = "observe"
    AUTO = "auto"
    SUPERVISOR = "supervisor"
    OWNER = "owner"


class FourEyes(StrEnum):
    """`persons`: an only owner may approve what the program planned; `always`: never who is behind the asking."""

    PERSONS = "persons"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When rules fire. Times in seconds; defaults are those of the rules' table (docs/watchdog.md)."""

    lease_near_expiry_seconds: float = 180.0
    lease_near_expiry_fraction: float = 1 / 3
    lease_expired_grace_seconds: float = 60.0
    queue_stuck_seconds: float = 600.0
    running_unrenewed_seconds: float = 600.0
    running_past_expiry_seconds: float = 300.0
    claim_no_output_seconds: float = 30.0
    no_job_heartbeats: int = 3
    silent_heartbeats: int = 3
    complete_rejections: int = 1
    jobs_not_found: int = 1
    missing_deliverable_ids: int = 1
    crash_loop_failures: int = 3
    missed_ticks: int = 3
    seal_lag_seconds: float = 60.0
    pinned_snapshot_seconds: float = 600.0
    recurrence_days: float = 7.0


@dataclass(frozen=True, slots=True)
class RuleChange:
    """What a config document says of one rule otherwise than the catalogue does; None leaves it."""

    mode: PolicyMode | None = None
    severity: Severity | None = None
    escalation: str | None = None
    next_action: NextAction | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """One loaded policy; it never changes, a reload makes another. `digest` is the SHA-256 of what it was read from."""

    version: str = "default"
    digest: str = "default"
    thresholds: Thresholds = field(default_factory=Thresholds)
    rules: Mapping[RuleName, RuleChange] = field(default_factory=dict)
    reclaim: PolicyMode = PolicyMode.AUTO
    reclaim_mirrored: PolicyMode = PolicyMode.SUPERVISOR
    queue_stuck_alert: tuple[str, ...] = ()
    four_eyes: FourEyes = FourEyes.PERSONS
    never_without_a_person: frozenset[RepairAction] = frozenset()
    contacts: Mapping[Escalation, str] = field(default_factory=dict)
    time_zone: str = "UTC"

    def mode(self, rule: RuleName, action: RepairAction, *, is_mirrored: bool) -> PolicyMode:
        """Say how far a plan of `rule` may go by itself."""
        change = self.rules.get(rule)
        if change is not None and change.mode is not None:
            return change.mode
        if action in (RepairAction.RELEASE, RepairAction.RECLAIM):
            return self.reclaim_mirrored if is_mirrored else self.reclaim
        return PolicyMode.AUTO
