"""What a report may say of a thing: pass, fail, or that there is not enough evidence; never a pass without any."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

ENOUGH = 5
"""From so many observations on a share says something."""


class Result(StrEnum):
    PASS = "pass"  # noqa: S105 - a verdict
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict and, in words, what it rests on."""

    result: Result
    because: str


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    part: int
    n: int

    @property
    def value(self) -> float | None:
        return self.part / self.n if self.n else None

    @property
    def is_enough(self) -> bool:
        return self.n >= ENOUGH

    def __str__(self) -> str:
        return f"{self.part} of {self.n}"


NOTHING = Share(0, 0)


def passed(because: str) -> Judged:
    return Judged(Result.PASS, because)


def failed(because: str) -> Judged:
    return Judged(Result.FAIL, because)


def unknown(because: str) -> Judged:
    return Judged(Result.UNKNOWN, f"not enough evidence: {because}")


def all_seen(wanted: dict[str, int]) -> Judged:
    """Pass where each was seen; what was never seen is no failure, and no pass."""
    if missing := [name for name, count in wanted.items() if not count]:
        return unknown(f"not seen yet: {', '.join(missing)}")
    return passed(", ".join(f"{name}: {count}" for name, count in wanted.items()))


def every(share: Share, what: str) -> Judged:
    """Pass where all of at least one are so."""
    if share.n == 0:
        return unknown(f"no {what} yet")
    return (passed if share.part == share.n else failed)(f"{share} {what}")


def at_least(share: Share, least: float, what: str) -> Judged:
    """Pass where a share of enough observations reaches what is asked for."""
    if share.value is None or not share.is_enough:
        return unknown(f"{share.n} {what}, {ENOUGH} are needed")
    return (passed if share.value >= least else failed)(f"{share} {what}, asked for {least:.0%}")


def none_of(share: Share, what: str) -> Judged:
    """Fail at the first; pass where enough were looked at."""
    if share.part:
        return failed(f"{share} {what}")
    return (
        passed(f"none of {share.n}")
        if share.is_enough
        else unknown(f"{share.n} looked at, {ENOUGH} are needed")
    )
