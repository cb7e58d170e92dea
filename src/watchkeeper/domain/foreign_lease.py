"""The lease of a foreign job as its holder sees it: how long it may still live, and whether it is time to renew."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from watchkeeper.domain.heartbeat_steps import LeaseStanding
from watchkeeper.domain.helper_config import HelperConfig


@dataclass
class ForeignLease:
    """`length` is what it was given for, by the first end that was told; `quiet_until` spares the helper renewals."""

    config: HelperConfig
    expires_at: datetime | None
    length: timedelta | None = None
    quiet_until: datetime | None = None

    @classmethod
    def told(cls, config: HelperConfig, expires_at: datetime | None, now: datetime) -> ForeignLease:
        """Begin with what a claim said at `now`."""
        lease = cls(config, expires_at)
        if expires_at is not None and expires_at > now:
            lease.length = expires_at - now
        return lease

    def renewed(self, expires_at: datetime | None, now: datetime) -> None:
        """Take in that the helper took a sign of life; one that tells no new end renewed by the same length."""
        self.quiet_until = now + timedelta(seconds=self.config.renewal_gap_seconds)
        if expires_at is not None:
            self.expires_at = expires_at
        elif self.expires_at is not None and self.length is not None:
            self.expires_at = now + self.length

    def standing(self, now: datetime) -> LeaseStanding:
        """Say where it stands at `now`."""
        if self.expires_at is None:
            return LeaseStanding.UNKNOWN
        if now >= self.expires_at:
            return LeaseStanding.PAST
        limit = timedelta(seconds=self.config.near_expiry_seconds)
        if self.length is not None:
            limit = min(limit, self.length * self.config.near_expiry_fraction)
        return LeaseStanding.NEAR if self.expires_at - now < limit else LeaseStanding.FINE

    def is_due(self, now: datetime) -> bool:
        """Say whether its holder should send a sign of life now."""
        is_quiet = self.quiet_until is not None and now < self.quiet_until
        return not is_quiet and self.standing(now) in (LeaseStanding.NEAR, LeaseStanding.PAST)
