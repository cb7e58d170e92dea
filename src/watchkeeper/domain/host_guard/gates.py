"""The gates before a host's process is asked to end: each is looked at, and every one that is not met is named.

Pure: the caller gathers the facts, from the database and from a scan of that moment.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from watchkeeper.domain.host_guard.limits import Limits
from watchkeeper.domain.repairs import APPROVAL_MINUTES

DRY_RUN_SECONDS = 60.0
"""A dry run is fresh for so long: it is made again right before the act."""

WORD_LIFETIME = timedelta(minutes=APPROVAL_MINUTES)


class Gate(StrEnum):
    """The first six are those of the source's readiness document; the others bound how often and how far."""

    OWNER_APPROVAL = "owner_approval"
    MAINTENANCE_WINDOW = "maintenance_window"
    EVIDENCE_REF = "evidence_ref"
    MATCHING_RULE = "matching_rule"
    FRESH_DRY_RUN = "fresh_dry_run"
    POST_CHECK_PLAN = "post_check_plan"
    TARGETS = "targets"
    RUNS_PER_HOUR = "runs_per_hour"
    COOL_DOWN = "cool_down"
    ONE_AT_A_TIME = "one_at_a_time"
    BREAKER = "breaker"
    KILL_SWITCH = "kill_switch"


@dataclass(frozen=True, slots=True)
class Word:
    """One person's approval, as it is kept."""

    by: UUID
    plan_digest: str
    given_at: datetime
    expires_at: datetime
    is_used: bool = False
    is_withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """What the gates are judged by. `asked_by` None: nobody stands for the asking, and then no word counts.

    `drift` says of each target why it is not the one that was planned; `scanned_ago` is None where nothing was scanned.
    `since_last` are the seconds since the same program was last ended here, None where that was long ago or never.
    """

    now: datetime
    plan_digest: str
    asked_by: UUID | None
    words: tuple[Word, ...]
    has_window: bool
    evidence_ref: str | None
    rule: str | None
    targets: int
    scanned_ago: float | None
    drift: tuple[str, ...]
    has_post_checks: bool
    runs_last_hour: int
    since_last: float | None
    is_one_under_way: bool
    is_tripped: bool
    actions_on: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """One gate; `lacks` is empty where it is met."""

    gate: Gate
    lacks: str

    @property
    def is_met(self) -> bool:
        return not self.lacks

    def to_json(self) -> dict[str, str | bool | None]:
        return {"gate": self.gate.value, "met": self.is_met, "because": self.lacks or None}


def judge_gates(facts: Facts, limits: Limits) -> tuple[Verdict, ...]:
    """Look at every gate; none is left out because another is not met."""
    return tuple(Verdict(gate, lacks) for gate, lacks in _lacking(facts, limits))


def _lacking(facts: Facts, limits: Limits) -> Iterator[tuple[Gate, str]]:
    yield Gate.OWNER_APPROVAL, _approval(facts)
    yield Gate.MAINTENANCE_WINDOW, "" if facts.has_window else "no maintenance window is open for this host"
    yield Gate.EVIDENCE_REF, "" if facts.evidence_ref else "no evidence is named"
    yield (
        Gate.MATCHING_RULE,
        "" if facts.rule else "no incident of a rule that allows it is open for this host",
    )
    yield Gate.FRESH_DRY_RUN, _dry_run(facts)
    yield Gate.POST_CHECK_PLAN, "" if facts.has_post_checks else "nothing says when it would be looked again"
    yield Gate.TARGETS, _targets(facts, limits)
    ran = facts.runs_last_hour
    yield (
        Gate.RUNS_PER_HOUR,
        f"it acted {ran} times on this host within the hour" if ran >= limits.runs_per_hour else "",
    )
    yield Gate.COOL_DOWN, _cool_down(facts, limits)
    yield Gate.ONE_AT_A_TIME, "another one is under way on this host" if facts.is_one_under_way else ""
    yield Gate.BREAKER, "the breaker is tripped: a person resets it" if facts.is_tripped else ""
    yield Gate.KILL_SWITCH, "" if facts.actions_on else "all actions are switched off"


def _approval(facts: Facts) -> str:
    if facts.asked_by is None:
        return "nobody stands for the asking, so that nobody else can approve it"
    standing = [word for word in facts.words if _stands(word, facts)]
    if any(word.by != facts.asked_by for word in standing):
        return ""
    return (
        "only who asked has approved it" if standing else "nobody else has approved this plan, or no longer"
    )


def _stands(word: Word, facts: Facts) -> bool:
    """Say whether a word may be used now: for this very plan, once, and within its hour."""
    return (
        not word.is_used
        and not word.is_withdrawn
        and word.plan_digest == facts.plan_digest
        and word.given_at <= facts.now < min(word.expires_at, word.given_at + WORD_LIFETIME)
    )


def _dry_run(facts: Facts) -> str:
    if facts.scanned_ago is None:
        return "it is made on the host, right before the act"
    if not 0 <= facts.scanned_ago <= DRY_RUN_SECONDS:
        return f"the dry run is {facts.scanned_ago:.0f} s old"
    return "; ".join(facts.drift)


def _targets(facts: Facts, limits: Limits) -> str:
    if facts.targets < 1:
        return "no target is named, and none is never all"
    if facts.targets > limits.most_targets:
        return f"{facts.targets} targets are more than {limits.most_targets}"
    return ""


def _cool_down(facts: Facts, limits: Limits) -> str:
    if facts.since_last is None or facts.since_last >= limits.cool_down:
        return ""
    return f"the same program was ended here {facts.since_last:.0f} s ago, and is there again: look why"
