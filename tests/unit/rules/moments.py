"""The three looks at a threshold: the moment before it, at it, and after it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TypeVar

from watchkeeper.domain.policies import Thresholds
from watchkeeper.domain.rules.judging import RuleOf, judge

Fact = TypeVar("Fact")

BEGIN = datetime(2026, 11, 21, 12, tzinfo=UTC)
LIMITS = Thresholds()
TICK = timedelta(microseconds=1)


def after(seconds: float) -> datetime:
    """Give the time so many seconds after the begin of the story."""
    return BEGIN + timedelta(seconds=seconds)


def fires(rule: RuleOf[Fact], fact: Fact, now: datetime, limits: Thresholds = LIMITS) -> bool:
    return bool(judge([rule], [fact], limits, now).findings)


def assert_fires_after(rule: RuleOf[Fact], fact: Fact, at: datetime, limits: Thresholds = LIMITS) -> None:
    """Demand that the rule is silent before and at a moment, asks to be asked then, and fires after it."""
    for now in (at - TICK, at):
        judged = judge([rule], [fact], limits, now)
        assert not judged.findings
        assert judged.next_at == at
    judged = judge([rule], [fact], limits, at + TICK)
    assert [finding.found_at for finding in judged.findings] == [at + TICK]
    assert judged.next_at is None
