"""How much a channel may carry now: its pause, its hour, its month. What may not go now waits, and goes together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from watchkeeper.domain.alerting import Outcome, Withheld

HOUR = timedelta(hours=1)
CRITICAL_TIMES = 2
"""Critical alerts may go beyond an hour's cap until twice as many were sent: then they, too, are a storm."""

CRITICAL_ONLY_SHARE = 0.80
TOGETHER_SHARE = 0.95
"""Of a month's messages: from the first on only critical ones go alone, from the second on none does."""

DIGEST_EVERY = timedelta(hours=6)
CRITICAL_DIGEST_EVERY = HOUR
TOGETHER = frozenset({Withheld.CAPPED, Withheld.QUOTA})
"""What waited for such a reason goes out as one message."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a channel carried and may carry. `quota_share` is of this month, None where nothing bounds it."""

    per_hour: int
    hour_begins: datetime | None = None
    hour_sent: int = 0
    paused_until: datetime | None = None
    quota_share: float | None = None

    def hour(self, now: datetime) -> tuple[datetime, int]:
        """Give when the hour that counts began, and what was sent in it."""
        if self.hour_begins is None or now >= self.hour_begins + HOUR:
            return now, 0
        return self.hour_begins, self.hour_sent

    def judged(self, now: datetime, *, sent: int, is_critical: bool, waited: bool) -> Outcome:
        """Say whether one more message may go, after `sent` others of this hour. `waited`: it is what goes together."""
        if self.paused_until is not None and now < self.paused_until:
            return Outcome(wait=Withheld.RATE_LIMITED, until=self.paused_until)
        if (together := self._month(now, is_critical=is_critical, waited=waited)) is not None:
            return together
        begins, _ = self.hour(now)
        if sent >= self.per_hour * (CRITICAL_TIMES if is_critical else 1):
            return Outcome(wait=Withheld.CAPPED, until=begins + HOUR)
        return Outcome()

    def _month(self, now: datetime, *, is_critical: bool, waited: bool) -> Outcome | None:
        share = self.quota_share
        if share is None or share < CRITICAL_ONLY_SHARE or (is_critical and share < TOGETHER_SHARE):
            return None
        if waited and share < 1:
            return None
        every = CRITICAL_DIGEST_EVERY if is_critical else DIGEST_EVERY
        return Outcome(wait=Withheld.QUOTA, until=next_of(now, every))


def next_of(now: datetime, every: timedelta) -> datetime:
    """Give the next of the moments that divide the day evenly: what waits for it arrives together."""
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + ((now - midnight) // every + 1) * every
