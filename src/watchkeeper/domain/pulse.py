"""Whether work advances: what ended well in the last hour, held against the day before."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

SLOWER_SHARE = 0.5
"""Under this share of the day's own pace the last hour counts as slower."""

OLD_SECONDS = 300.0
"""Counts that are older say nothing of now: the watch that keeps them has stopped."""


class Pace(StrEnum):
    """`working`: nothing ended, but what runs goes on; `standing`: there is work, and nothing of it moves."""

    ADVANCING = "advancing"
    SLOWER = "slower"
    WORKING = "working"
    STANDING = "standing"
    IDLE = "idle"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Ended:
    """How jobs ended within a time: completed with and without verified evidence, and failed."""

    verified: int
    unverified: int
    failed: int

    @property
    def well(self) -> int:
        return self.verified + self.unverified

    @property
    def failed_share(self) -> float | None:
        """Give the share of failures among what ended; None where nothing did."""
        whole = self.well + self.failed
        return self.failed / whole if whole else None


@dataclass(frozen=True, slots=True)
class AtWork:
    """What is there now: claimable jobs, running ones, and how many of these went on within the hour."""

    waiting: int
    running: int
    progressed: int


def pace(hour: Ended, day: Ended, now: AtWork, counted_seconds_ago: float | None) -> Pace:
    """Judge how work advances; unknown where the counts are old. A day is 24 hours, this one included."""
    if counted_seconds_ago is None or counted_seconds_ago > OLD_SECONDS:
        return Pace.UNKNOWN
    if hour.well == 0:
        if now.progressed:
            return Pace.WORKING
        return Pace.STANDING if now.waiting or now.running else Pace.IDLE
    return Pace.SLOWER if hour.well < SLOWER_SHARE * day.well / 24 else Pace.ADVANCING
