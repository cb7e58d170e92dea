"""How a rule is asked: it says after which moment it fires on a fact, and this page compares that with the time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeVar

from watchkeeper.domain.findings import Finding
from watchkeeper.domain.policies import Thresholds

Fact = TypeVar("Fact")


@dataclass(frozen=True, slots=True)
class Moment:
    """A rule fires once the time is past `at`, until the fact changes. `finding` is what it says then."""

    at: datetime
    finding: Finding


ALWAYS = datetime.min.replace(tzinfo=UTC)
"""The moment of what has happened: no clock that was set back hides it."""

RuleOf = Callable[[Fact, Thresholds], Moment | None]
"""One rule: when it fires on a fact; None where it never does, as the fact is."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What fires now, and when the next rule could, if no fact changes."""

    findings: tuple[Finding, ...]
    next_at: datetime | None


def judge(
    rules: Iterable[RuleOf[Fact]], facts: Iterable[Fact], thresholds: Thresholds, now: datetime
) -> Judged:
    """Ask every rule about every fact."""
    rules = tuple(rules)
    moments = [moment for fact in facts for rule in rules if (moment := rule(fact, thresholds)) is not None]
    return Judged(
        tuple(replace(moment.finding, found_at=now) for moment in moments if now > moment.at),
        min((moment.at for moment in moments if now <= moment.at), default=None),
    )
