"""A job's drawing as shapes with their places: what the template writes down as SVG. Pure.

Places are SVG units; the picture is as wide as its page: a unit is about a pixel on a desk and less on a tablet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from watchkeeper.domain.drawn_marks import Mark, Placed, placed
from watchkeeper.domain.job_drawing import ROWS
from watchkeeper.domain.time_axis import Axis, axis_of, ticks
from watchkeeper.interfaces.console import words
from watchkeeper.interfaces.console.format import tick
from watchkeeper.interfaces.console.i18n import message
from watchkeeper.services.drawing import Drawing

GUTTER = 104.0
"""Room for the names of the rows."""

WIDTH = 996.0
TOP = 22.0
BOTTOM = 14.0
LANE = 14.0
GAP = 8.0

NAMES: dict[str, str] = {
    "queue": message("Queue"),
    "attempt": message("Attempts"),
    "lease": message("Lease"),
    "session": message("Agent"),
    "tool": message("Tool calls"),
    "helper": message("Commands"),
    "gate": message("Gate"),
    "incident": message("Incidents"),
    "repair": message("Repairs"),
}


HAPPENED: dict[str, str] = {
    "renewal": message("Renewed"),
    "heartbeat": message("Heartbeat"),
    "lease": message("Lease renewed"),
}
"""Marks of which the kind says more than the record's own word."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One mark: where it stands, how it looks, and what it is."""

    number: int
    x: float
    y: float
    width: float
    height: float
    tone: str
    mark: Mark
    count: int
    begin: datetime
    end: datetime | None

    @property
    def row(self) -> str:
        return NAMES[self.mark.row]

    @property
    def facts(self) -> Mapping[str, Any]:
        return self.mark.facts

    @property
    def word(self) -> str:
        """Say what happened: a text to translate, or the record's own word."""
        what, event = self.facts["what"], str(self.facts.get("event") or "?")
        match what:
            case "wait":
                return words.JOB_STATES[event].word
            case "attempt":
                return words.ATTEMPT_OUTCOMES.get(event, words.UNKNOWN).word
            case "lease" if self.end is not None:
                return words.ATTEMPT_OUTCOMES.get(event, words.UNKNOWN).word
            case "audit":
                return words.EVENTS.get(event, event)
            case "check":
                return words.CHECK_RESULTS[self.facts.get("said") == "passed"].word
        return HAPPENED.get(what, event)

    @property
    def said(self) -> str | None:
        """Give what the record says beside its word; of a check that says its mark already."""
        return None if self.facts["what"] == "check" else self.facts.get("said")


@dataclass(frozen=True, slots=True)
class Picture:
    """All that is drawn. `rows` are name and middle of each; `ticks` text and place; `gaps` are the cut spans."""

    begin: datetime
    end: datetime
    width: float
    height: float
    rows: list[tuple[str, float]]
    shapes: list[Shape]
    ticks: list[tuple[str, float]]
    gaps: list[tuple[float, float, float]]
    blind: list[tuple[float, float, datetime, datetime]]
    every: int


def picture_of(drawing: Drawing, zone: tzinfo) -> Picture:
    """Lay a drawing out, with times as the reader's zone has them."""
    begin, end = drawing.begin.timestamp(), drawing.end.timestamp()
    moments = [at for mark in drawing.marks for at in (mark.at, mark.until) if at is not None]
    axis = axis_of(moments, begin, end, WIDTH)
    drawn = placed(drawing.marks, axis)
    rows, tops, y = [], {}, TOP
    for row in ROWS:
        lanes = [one.lane for one in drawn if one.row == row]
        if not lanes:
            continue
        height = LANE * (max(lanes) + 1)
        rows.append((NAMES[row], _round(y + height / 2)))
        tops[row] = y
        y += height + GAP
    in_rows = sorted(drawn, key=lambda one: (ROWS.index(one.row), one.x))
    return Picture(
        drawing.begin,
        drawing.end,
        GUTTER + WIDTH,
        y + BOTTOM,
        rows,
        [_shape(number, one, tops[one.row]) for number, one in enumerate(in_rows, 1)],
        _ticks(axis, zone),
        [(_x(one.x), one.width, one.seconds) for one in axis.breaks],
        list(_blind(drawing.blind, axis)),
        drawing.every,
    )


def _shape(number: int, one: Placed, top: float) -> Shape:
    gravest = one.gravest
    # Trouble is taller than what goes well: colour is never the only sign.
    inset = 0.0 if gravest.tone in ("bad", "warn") else 3.0
    ends = [mark.until or mark.at for mark in one.marks]
    is_moment = len(one.marks) == 1 and gravest.until is None
    return Shape(
        number,
        _x(one.x),
        _round(top + LANE * one.lane + inset),
        _round(one.width),
        LANE - 2 - 2 * inset,
        gravest.tone,
        gravest,
        len(one.marks),
        _time(one.marks[0].at),
        None if is_moment else _time(max(ends)),
    )


def _ticks(axis: Axis, zone: tzinfo) -> list[tuple[str, float]]:
    offset = _time(axis.begin).astimezone(zone).utcoffset()
    found = ticks(axis, 0.0 if offset is None else offset.total_seconds())
    times = [_time(at) for at, _ in found]
    before = [None, *times]
    return [
        (tick(time, earlier, zone), _x(x))
        for time, earlier, (_, x) in zip(times, before, found, strict=False)
    ]


def _blind(
    spans: Iterable[tuple[float, float]], axis: Axis
) -> Iterable[tuple[float, float, datetime, datetime]]:
    for begin, end in spans:
        x = axis.x(begin)
        yield _x(x), _round(max(axis.x(end) - x, 2.0)), _time(begin), _time(end)


def _x(x: float) -> float:
    return _round(GUTTER + x)


def _round(number: float) -> float:
    return round(number, 1)


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
