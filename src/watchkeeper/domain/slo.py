"""Objectives of worker pools: how fast a pool spends what may fail, and how much of that is left.

The good of a pool is an attempt that completed. Windows and burn rates are those of the Google SRE workbook, chapter 5
("Alerting on SLOs"), table 5-8: 2 % of a period's budget within an hour, 5 % within six, or 10 % within three days.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from watchkeeper.domain.judging import ENOUGH

MINUTE, HOUR, DAY = 60, 3_600, 86_400

LEAST_FAILURES = 2
"""One failure alone never burns: of few attempts it is a large share, and says little (low traffic, in the chapter)."""


MOST_FAILING = 0.9
"""No window waits for a larger share of failures: what promises less than 93 % cannot burn 14.4 times as fast."""


class Urgency(StrEnum):
    """`page`: somebody should look now; `ticket`: within days."""

    PAGE = "page"
    TICKET = "ticket"


class SloState(StrEnum):
    UNKNOWN = "unknown"
    OK = "ok"
    TICKET = "ticket"
    SPENT = "spent"
    PAGE = "page"


@dataclass(frozen=True, slots=True)
class Window:
    """A pair of windows: the long one says that it matters, the short one that it still goes on.

    `share` is the part of the period's budget that may be gone within the long one.
    """

    urgency: Urgency
    long_seconds: int
    short_seconds: int
    share: float


WINDOWS = (
    Window(Urgency.PAGE, HOUR, 5 * MINUTE, 0.02),
    Window(Urgency.PAGE, 6 * HOUR, 30 * MINUTE, 0.05),
    Window(Urgency.TICKET, 3 * DAY, 6 * HOUR, 0.10),
)
LENGTHS = tuple(sorted({length for one in WINDOWS for length in (one.long_seconds, one.short_seconds)}))


@dataclass(frozen=True, slots=True)
class Objective:
    """Which share of a pool's attempts completes, over how many days."""

    target: float = 0.9
    period_days: float = 30.0

    @property
    def may_fail(self) -> float:
        return 1.0 - self.target


@dataclass(frozen=True, slots=True)
class SloPolicy:
    """The objective of each pool that has one of its own, and that of all others."""

    usual: Objective = field(default_factory=Objective)
    pools: Mapping[str, Objective] = field(default_factory=dict)

    def of(self, pool: str) -> Objective:
        return self.pools.get(pool, self.usual)


@dataclass(frozen=True, slots=True)
class Ends:
    """How attempts ended within a time."""

    good: int = 0
    bad: int = 0

    @property
    def n(self) -> int:
        return self.good + self.bad

    def burn(self, objective: Objective) -> float | None:
        """Give how many times faster than evenly the budget is spent; None where nothing ended."""
        return self.bad / self.n / objective.may_fail if self.n else None


@dataclass(frozen=True, slots=True)
class Burning:
    """A pair of windows as it stands. `by_count`: attempts are so few that failures are counted, not their share."""

    window: Window
    long: Ends
    short: Ends
    threshold: float
    limit: float
    by_count: bool
    fires: bool


@dataclass(frozen=True, slots=True)
class Slo:
    """A pool against its objective. `allowed` failures of the period, of which `left` is the share not yet spent."""

    pool: str
    objective: Objective
    state: SloState
    period: Ends
    allowed: float
    left: float | None
    windows: tuple[Burning, ...]


def judge(pool: str, objective: Objective, period: Ends, ends: Mapping[int, Ends]) -> Slo:
    """Judge a pool by its ends within the period, and within each of LENGTHS (seconds)."""
    allowed = max(1.0, objective.may_fail * period.n)
    windows = tuple(_burning(window, objective, period, ends) for window in WINDOWS)
    left = 1.0 - period.bad / allowed if period.n >= ENOUGH else None
    return Slo(pool, objective, _state(windows, left), period, allowed, left, windows)


def _burning(window: Window, objective: Objective, period: Ends, ends: Mapping[int, Ends]) -> Burning:
    """Compare shares where the long window has enough attempts for it, else failures with what it may spend.

    The workbook's rates follow from the shares: 2 % of 30 days' budget within an hour is a burn of 14.4.
    """
    even = window.share * objective.period_days * DAY / window.long_seconds
    threshold = min(even, MOST_FAILING / objective.may_fail)
    long, short = ends.get(window.long_seconds, Ends()), ends.get(window.short_seconds, Ends())
    limit = threshold * objective.may_fail * long.n
    if by_count := limit < LEAST_FAILURES:
        limit = max(float(LEAST_FAILURES), window.share * objective.may_fail * period.n)
        still = short.bad > 0
    else:
        still = (short.burn(objective) or 0.0) >= threshold
    return Burning(window, long, short, threshold, limit, by_count, still and long.bad >= limit)


def _state(windows: tuple[Burning, ...], left: float | None) -> SloState:
    fired = {burning.window.urgency for burning in windows if burning.fires}
    if Urgency.PAGE in fired:
        return SloState.PAGE
    if left is None:
        return SloState.UNKNOWN
    if left <= 0:
        return SloState.SPENT
    return SloState.TICKET if Urgency.TICKET in fired else SloState.OK
