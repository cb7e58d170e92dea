"""Rules about the watchdog's own eyes: while one of these fires, what is missing may only be unseen."""

from __future__ import annotations

from typing import Any

from watchkeeper.domain.facts import SightFact
from watchkeeper.domain.findings import Finding
from watchkeeper.domain.policies import Thresholds
from watchkeeper.domain.rules.judging import ALWAYS, Moment, RuleOf
from watchkeeper.domain.rules.names import RuleName

SYSTEM = "system"
"""The project of what concerns the watchdog, hosts and the database."""

GOOD_TICKS = 2


def ticks_missed(sight: SightFact, limits: Thresholds) -> Moment | None:
    """Fire when nobody watched for as long as several full sweeps take."""
    if sight.missed_seconds <= limits.missed_ticks * limits.sweep_seconds:
        return None
    return _moment("ticks_missed", seconds=round(sight.missed_seconds, 1))


def ingest_behind(sight: SightFact, limits: Thresholds) -> Moment | None:
    """Fire when facts that were written down long ago are not judged yet."""
    if sight.unread_seconds is None or sight.unread_seconds <= limits.ingest_lag_seconds:
        return None
    return _moment("ingest_behind", seconds=round(sight.unread_seconds, 1))


def xmin_pinned(sight: SightFact, limits: Thresholds) -> Moment | None:
    """Fire when an old snapshot keeps the database from clearing up, which makes every look slower."""
    if sight.pinned_seconds is None or sight.pinned_seconds <= limits.pinned_snapshot_seconds:
        return None
    return _moment("xmin_pinned", seconds=round(sight.pinned_seconds, 1), by=sight.pinned_by)


def seal_behind(sight: SightFact, limits: Thresholds) -> Moment | None:
    """Fire when audit rows stay unsealed."""
    if sight.unsealed_seconds is None or sight.unsealed_seconds <= limits.seal_lag_seconds:
        return None
    return _moment("seal_behind", seconds=round(sight.unsealed_seconds, 1))


SIGHT_RULES: tuple[RuleOf[SightFact], ...] = (ticks_missed, xmin_pinned, seal_behind, ingest_behind)


def _moment(cause: str, **told: Any) -> Moment:
    return Moment(
        ALWAYS,
        Finding(
            SYSTEM, RuleName.WATCHDOG_BLIND, ("watchdog",), ALWAYS, cause, evidence={"cause": cause, **told}
        ),
    )
