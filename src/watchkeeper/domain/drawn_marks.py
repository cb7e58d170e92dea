"""What a drawing shows in its rows: marks with their places, close ones taken together, those that overlap in lanes.

Pure, and bounded: however much happened, a drawing has at most `MOST_MARKS` marks.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
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


_Drawn = tuple[float, float, list[Mark]]


def placed(marks: Iterable[Mark], axis: Axis, most: int = MOST_MARKS) -> list[Placed]:
    """Place marks on an axis, by row and time; `most` is at least the number of rows."""
    rows: dict[str, list[_Drawn]] = {}
    for mark in sorted(marks, key=lambda mark: mark.at):
        x = axis.x(mark.at)
        end = x if mark.until is None else axis.x(mark.until)
        rows.setdefault(mark.row, []).append((x, end, [mark]))
    apart = LEAST_WIDTH
    while True:
        together = {row: _together(drawn, apart) for row, drawn in rows.items()}
        if sum(map(len, together.values())) <= most:
            return [one for row in sorted(together) for one in _in_lanes(together[row], axis.width)]
        apart *= 2


def _together(drawn: Iterable[_Drawn], apart: float) -> list[_Drawn]:
    """Take small marks as one that begin closer than `apart`."""
    groups: list[_Drawn] = []
    left, right = -math.inf, math.inf
    for x, end, marks in drawn:
        if end - x < apart and x - left < apart and right - left < apart:
            right = max(right, end)
            groups[-1] = (left, right, groups[-1][2])
            groups[-1][2].extend(marks)
        else:
            left, right = x, end
            groups.append((x, end, [*marks]))
    return groups


def _in_lanes(drawn: Iterable[_Drawn], width: float) -> Iterator[Placed]:
    """Give those that overlap lanes of their own, as far as there are lanes."""
    ends: list[float] = []
    for begin, end, marks in drawn:
        wide = max(end - begin, LEAST_WIDTH)
        x = min(begin, width - wide)
        lane = next((lane for lane, until in enumerate(ends) if until <= x), len(ends))
        if lane == MOST_LANES:
            lane -= 1
        elif lane == len(ends):
            ends.append(x)
        ends[lane] = max(ends[lane], x + wide)
        yield Placed(marks[0].row, lane, x, wide, tuple(marks))
