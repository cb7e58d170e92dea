"""What one run measures with: how often, how many, and on which server."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.server import Server


@dataclass(frozen=True, slots=True)
class Plan:
    """The sizes of a run. The defaults are those that the requirements name; `--quick` makes them smaller."""

    rounds: int = 5
    jobs: int = 30_000
    depth: int = 1_000_000
    samples: int = 1_000
    idle_seconds: float = 60.0
    jobs_a_day: int = 100
    page_samples: int = 200

    @classmethod
    def quick(cls) -> Plan:
        return cls(
            rounds=2,
            jobs=10_000,
            depth=100_000,
            samples=100,
            idle_seconds=10.0,
            jobs_a_day=20,
            page_samples=30,
        )


@dataclass(frozen=True, slots=True)
class Bench:
    """One run: its plan, its server, and a directory for what processes leave behind."""

    plan: Plan
    server: Server
    scratch: Path

    def say(self, text: str) -> None:
        """Tell the person who waits; the table alone goes to stdout."""
        print(text, file=sys.stderr, flush=True)


@dataclass(slots=True)
class Row:
    """One line of the table. `ok` is None where nothing was measured; then `reached` says why."""

    what: str
    required: str
    reached: str
    ok: bool | None
    figures: dict[str, Any] = field(default_factory=dict)


def not_measured(what: str, required: str, reason: str) -> Row:
    return Row(what, required, f"not measured: {reason}", None)


class NotMeasurableError(Exception):
    """A part of the product that a measurement needs is not there; the text says which."""


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of several figures, with the smallest and the largest."""

    values: tuple[float, ...]

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(tuple(values))

    @classmethod
    def ratios(cls, upper: Sequence[float], lower: Sequence[float]) -> Spread:
        """Ratios within each round: neighbours in time share what else the machine was doing."""
        return cls(tuple(a / b for a, b in zip(upper, lower, strict=True)))

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def percentile(self, share: float) -> float:
        ordered = sorted(self.values)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    def text(self, digits: int = 0, unit: str = "") -> str:
        low, high = min(self.values), max(self.values)
        return f"{self.median:,.{digits}f}{unit} ({low:,.{digits}f}-{high:,.{digits}f})"

    def json(self) -> dict[str, Any]:
        return {
            "median": self.median,
            "min": min(self.values),
            "max": max(self.values),
            "n": len(self.values),
            "values": list(self.values) if len(self.values) <= 20 else None,
        }
