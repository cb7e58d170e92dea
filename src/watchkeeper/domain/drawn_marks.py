"""What a drawing shows in its rows: marks with their places, close ones taken together, those that overlap in lanes.

Pure, and bounded: however much happened, a drawing has at most `MOST_MARKS` marks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from watchkeeper.domain.time_axis import Axis

MOST_MARKS = 120
"""A browser draws 400 without delay; each mark is a row of the table below the picture too, and both have to fit into a
page of 100 kB."""

LEAST_WIDTH = 6.0
"""A moment's width: it can be seen and hit."""

MOST_LANES = 3

TONES = ("stopped", "wait", "run", "ok", "warn", "bad")
"""How marks look, from what says least to what matters most."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened, at one moment or until another. Of several in one place the gravest gives the look."""

    row: str
    at: float
    until: float | None = None
    tone: str = "stopped"
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Placed:
    """A mark as it is drawn; `marks` are those that stand in its place, in order of time."""

    row: str
    lane: int
    x: float
    width: float
    marks: tuple[Mark, ...]

    @property
    def gravest(self) -> Mark:
        return max(self.marks, key=lambda mark: TONES.index(mark.tone))

    @property
    def end(self) -> float:
        return self.x + self.width


def placed(marks: Iterable[Mark], axis: Axis, most: int = MOST_MARKS) -> list[Placed]:
    """Place marks on an axis, by row and time; `most` is at least the number of rows."""
    in_order = sorted(marks, key=lambda mark: (mark.row, mark.at))
    apart = LEAST_WIDTH
    while True:
        found = [
            one for _, of_row in groupby(in_order, lambda mark: mark.row) for one in _row(of_row, axis, apart)
        ]
        if len(found) <= most:
            return found
        apart *= 1.5


def _row(marks: Iterable[Mark], axis: Axis, apart: float) -> list[Placed]:
    """Take small marks together that begin closer than `apart`, and give those that overlap lanes of their own."""
    groups: list[tuple[float, float, list[Mark]]] = []
    for mark in marks:
        x = axis.x(mark.at)
        end = x if mark.until is None else axis.x(mark.until)
        is_small = end - x < apart
        if groups and is_small and x - groups[-1][0] < apart and groups[-1][1] - groups[-1][0] < apart:
            first, last, together = groups[-1]
            together.append(mark)
            groups[-1] = (first, max(last, end), together)
        else:
            groups.append((x, end, [mark]))
    ends: list[float] = []
    found = []
    for x, end, together in groups:
        width = max(end - x, LEAST_WIDTH)
        x = min(x, axis.width - width)
        free = next((lane for lane, until in enumerate(ends) if until <= x), len(ends))
        lane = min(free, MOST_LANES - 1)
        ends[lane : lane + 1] = [x + width if lane == len(ends) else max(x + width, ends[lane])]
        found.append(Placed(together[0].row, lane, x, width, tuple(together)))
    return found
