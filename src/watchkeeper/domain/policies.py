"""What an installation decided: thresholds, what each rule may do by itself, and who is asked.

The config document gives it; without one these defaults hold. Version and digest stand on everything it decided.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from watchkeeper.domain.alert_moments import Moment
from watchkeeper.domain.attempts import OnGateFailed
from watchkeeper.domain.heartbeat_checks import DEFAULT_CHECKS, HeartbeatCheck
from watchkeeper.domain.messages import MessageLanguage
from watchkeeper.domain.rules.catalogue import RULES
from watchkeeper.domain.rules.names import NextAction, RepairAction, RuleName, Severity
from watchkeeper.domain.sessions.limits import SessionLimits
from watchkeeper.domain.slo import SloPolicy


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
    session_lease_near_expiry_fraction: float = 1 / 3
    lease_expired_grace_seconds: float = 60.0
    queue_stuck_seconds: float = 600.0
    running_unrenewed_seconds: float = 600.0
    running_past_expiry_seconds: float = 300.0
    missing_worker_seconds: float = 60.0
    claim_no_output_seconds: float = 30.0
    no_job_heartbeats: int = 3
    silent_heartbeats: int = 3
    complete_rejections: int = 1
    jobs_not_found: int = 1
    missing_deliverable_ids: int = 1
    crash_loop_failures: int = 3
    missed_ticks: int = 3
    sweep_seconds: float = 15.0
    ingest_lag_seconds: float = 60.0
    seal_lag_seconds: float = 60.0
    pinned_snapshot_seconds: float = 600.0
    recurrence_days: float = 7.0
    merge_projects: int = 2
    merge_incidents_per_project: int = 3
    merge_window_days: int = 30

    def near_expiry_seconds(self, lease_seconds: float, *, is_session: bool, is_mirrored: bool) -> float:
        """Say how much of a lease is left when it counts as near its end.

        A foreign lease is as long as was left when it was first reported. An own one no longer than the time keeps the
        usual part, since in health it would always be near its end.
        """
        is_long = is_mirrored or (is_session and lease_seconds > self.lease_near_expiry_seconds)
        part = self.session_lease_near_expiry_fraction if is_long else self.lease_near_expiry_fraction
        return min(self.lease_near_expiry_seconds, lease_seconds * part)


ABSENT_HEARTBEATS = 3
"""A contract worker that was not heard of for so many rounds is not there any more."""

PROTECTING = frozenset(
    {
        RepairAction.ALERT,
        RepairAction.BLOCK_COMPLETE,
        RepairAction.STOP_WORKER,
        RepairAction.FREEZE_VERDICTS,
    }
)
"""What only keeps harm off. It heals nothing, so that no list of allowed healing takes it away."""


@dataclass(frozen=True, slots=True)
class RuleChange:
    """What a config document says of one rule otherwise than the catalogue does; None leaves it."""

    mode: PolicyMode | None = None
    severity: Severity | None = None
    escalation: str | None = None
    next_action: NextAction | None = None
    escalate_after: int | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom an escalation name calls, and by which channels; none: by the policy's own. `language`: as the channel's."""

    person: str
    channels: tuple[str, ...] = ()
    language: MessageLanguage | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """One loaded policy; it never changes, a reload makes another.

    `digest` is the SHA-256 of the document's meaning (domain/config_document.py). `allowed`: None where no list says
    what may be healed; else what it leaves out waits for a supervisor. `notify_on`: None tells of every rule.
    """

    version: str = "default"
    digest: str = "default"
    thresholds: Thresholds = field(default_factory=Thresholds)
    sessions: SessionLimits = field(default_factory=SessionLimits)
    slos: SloPolicy = field(default_factory=SloPolicy)
    rules: Mapping[RuleName, RuleChange] = field(default_factory=dict)
    checks: tuple[HeartbeatCheck, ...] = DEFAULT_CHECKS
    heartbeat_interval_seconds: float = 600.0
    reclaim: PolicyMode = PolicyMode.AUTO
    reclaim_mirrored: PolicyMode = PolicyMode.SUPERVISOR
    on_gate_failed: OnGateFailed | None = None
    four_eyes: FourEyes = FourEyes.PERSONS
    allowed: frozenset[RepairAction] | None = None
    never_without_a_person: frozenset[RepairAction] = frozenset()
    owner: str = "owner"
    contacts: Mapping[str, Contact] = field(default_factory=dict)
    alert_channels: tuple[str, ...] = ()
    queue_stuck_alert: tuple[str, ...] | None = None
    notify_on: frozenset[RuleName] | None = None
    alert_texts: Mapping[Moment, Mapping[MessageLanguage, str]] = field(default_factory=dict)
    time_zone: str = "UTC"

    @property
    def absent_seconds(self) -> float:
        """Give after how long a silence a contract worker is taken for gone, wherever that is asked."""
        return ABSENT_HEARTBEATS * self.heartbeat_interval_seconds

    def mode(self, rule: RuleName, action: RepairAction, *, is_mirrored: bool) -> PolicyMode:
        """Say how far a plan of `rule` may go by itself."""
        change = self.rules.get(rule)
        mode = change.mode if change is not None else None
        if mode is None:
            mode = self._usual(action, is_mirrored=is_mirrored)
        return PolicyMode.SUPERVISOR if mode is PolicyMode.AUTO and self._needs_a_person(action) else mode

    def contact(self, escalation: str) -> Contact:
        """Say whom an escalation name calls; the owner where nobody stands for it."""
        return self.contacts.get(escalation) or Contact(self.owner, self.alert_channels)

    def language_of(self, person: str) -> MessageLanguage | None:
        """Say in which language a person wants to be told; None leaves it to the channel."""
        return next(
            (one.language for one in self.contacts.values() if one.person == person and one.language), None
        )

    def escalate_after(self, rule: RuleName) -> int | None:
        """Say after how many failed repairs people are called: 0 at once, None never by itself."""
        change = self.rules.get(rule)
        said = change.escalate_after if change is not None else None
        return RULES[rule].escalate_after if said is None else said

    def notifies(self, rule: RuleName) -> bool:
        """Say whether people are told of a rule's incidents; of what stops a worker or is critical they always are."""
        known = RULES[rule]
        always = known.stops_worker or known.severity is Severity.CRITICAL
        return always or self.notify_on is None or rule in self.notify_on

    def unnotified(self) -> frozenset[RuleName]:
        """Give the rules of which nobody is told unless an incident of them is critical."""
        return frozenset(rule for rule in RuleName if not self.notifies(rule))

    def _usual(self, action: RepairAction, *, is_mirrored: bool) -> PolicyMode:
        if action in (RepairAction.RELEASE, RepairAction.RECLAIM):
            return self.reclaim_mirrored if is_mirrored else self.reclaim
        return PolicyMode.AUTO

    def _needs_a_person(self, action: RepairAction) -> bool:
        is_left_out = self.allowed is not None and action not in self.allowed | PROTECTING
        return is_left_out or action in self.never_without_a_person
