"""The time axis of a drawing: from moments to places, with the spans cut out in which nothing was told.

Pure: seconds in, places out. The place of a moment lies on a line of straight pieces that never falls; all that is not
cut has one scale.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

IDLE_SECONDS = 300.0
"""A span of which nothing is told for longer is cut. Agents recover from a silent stream by themselves at 300 s
(domain/sessions/limits.py), so that a shorter silence still belongs to the work around it."""

EDGE_SECONDS = 15.0
"""So much of a cut span stays at either end: what stands at its edges is not drawn upon the break."""

MOST_BREAKS = 12
"""The longest spans are cut first; more breaks than these would be all that one sees."""

BREAK_WIDTH = 26.0
TICK_WIDTH = 92.0
"""A time of day with its zone takes so much room."""

STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400)
"""Seconds between two ticks; beyond a day whole days are taken together."""


@dataclass(frozen=True, slots=True)
class Break:
    """A span that was cut, from `begin` to `end`, and the room that its sign takes."""

    begin: float
    end: float
    x: float
    width: float

    @property
    def seconds(self) -> float:
        return self.end - self.begin


@dataclass(frozen=True, slots=True)
class Axis:
    """A scale from `begin` to `end` over `width` units; `knots` are the ends of its pieces, (seconds, place)."""

    begin: float
    end: float
    width: float
    knots: tuple[tuple[float, float], ...]
    breaks: tuple[Break, ...]

    def x(self, at: float) -> float:
        """Give the place of a moment; one outside of the axis lies at its nearer end."""
        at = min(max(at, self.begin), self.end)
        right = min(max(bisect_right(self.knots, (at, self.width + 1)), 1), len(self.knots) - 1)
        (begin, left), (end, limit) = self.knots[right - 1], self.knots[right]
        return left + (limit - left) * (at - begin) / (end - begin)


def axis_of(moments: Iterable[float], begin: float, end: float, width: float) -> Axis:
    """Lay out an axis on which something happens at `moments`, which may lie in any order."""
    end = max(end, begin + 1.0)
    told = sorted({begin, end, *(min(max(one, begin), end) for one in moments)})
    cuts = sorted(_cuts(told, end - begin, width))
    kept = end - begin - sum(last - first for first, last in cuts)
    scale = (width - BREAK_WIDTH * len(cuts)) / kept
    knots, breaks = [(begin, 0.0)], []
    for first, last in cuts:
        before, x = knots[-1]
        x += (first - before) * scale
        knots += [(first, x), (last, x + BREAK_WIDTH)]
        breaks.append(Break(first, last, x, BREAK_WIDTH))
    return Axis(begin, end, width, (*knots, (end, width)), tuple(breaks))


def _cuts(told: list[float], kept: float, width: float) -> Iterator[tuple[float, float]]:
    """Give the spans to cut: the longest first, and none that takes less room than the sign of its cut."""
    idle = [(last - first, first, last) for first, last in pairwise(told) if last - first > IDLE_SECONDS]
    for seconds, first, last in sorted(idle, reverse=True)[:MOST_BREAKS]:
        if seconds * width < 2 * BREAK_WIDTH * kept:
            return
        yield first + EDGE_SECONDS, last - EDGE_SECONDS
        kept, width = kept - (seconds - 2 * EDGE_SECONDS), width - BREAK_WIDTH


def ticks(axis: Axis, offset_seconds: float = 0.0) -> list[tuple[float, float]]:
    """Give moments to name with their places, apart enough to be read; `offset_seconds` is the zone's from UTC."""
    scale = max((after[1] - before[1]) / (after[0] - before[0]) for before, after in pairwise(axis.knots))
    days = -(-TICK_WIDTH // (STEPS[-1] * scale))
    step = next((one for one in STEPS if one * scale >= TICK_WIDTH), STEPS[-1] * days)
    found = [(axis.begin, 0.0)]
    for before, after in pairwise(axis.knots):
        if any(one.begin == before[0] for one in axis.breaks):
            continue
        at = -(-(before[0] + offset_seconds) // step) * step - offset_seconds
        while at < after[0]:
            x = axis.x(at)
            if x - found[-1][1] >= TICK_WIDTH and x <= axis.width - TICK_WIDTH / 2:
                found.append((at, x))
            at += step
    return found
