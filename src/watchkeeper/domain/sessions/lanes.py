"""What a session spent its time on, from its events: the model's lane and the tools', which never overlap.

The model thinks in a turn while no tool is open; tools may be open beside each other, and count once. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

TURNS_BEGIN = frozenset({"turn_began", "began"})
OF_LANES = ("began", "turn_began", "tool_opened", "tool_closed", "turn_ended")
"""The events that lanes are made of."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call, in seconds since the session's start; `end` is None while it is open."""

    number: int
    begin: float
    end: float | None
    tool: str
    failed: bool


@dataclass(frozen=True, slots=True)
class Lanes:
    model: tuple[tuple[float, float], ...]
    calls: tuple[ToolCall, ...]
    model_seconds: float
    tools_seconds: float


def lanes_of(events: Iterable[Mapping[str, Any]], until: float) -> Lanes:
    """Make the lanes of events in order of their numbers; what is open lasts until `until`."""
    calls: list[ToolCall] = []
    opened: dict[str, int] = {}
    turns: list[tuple[float, float]] = []
    began: float | None = None
    clock = 0.0
    for event in events:
        clock = at = max(clock, event["t"] or 0.0)
        fields = event["fields"]
        match event["event"]:
            case "tool_opened":
                began = at if began is None else began
                opened[str(fields.get("id"))] = len(calls)
                calls.append(ToolCall(event["number"], at, None, str(fields.get("tool") or ""), False))
            case "tool_closed":
                if (index := opened.pop(str(fields.get("id")), None)) is not None:
                    call = calls[index]
                    calls[index] = ToolCall(
                        call.number, call.begin, at, call.tool, bool(fields.get("failed"))
                    )
            case "turn_ended":
                if began is not None:
                    turns.append((began, at))
                began = None
                calls, opened = [_closed(call, at) for call in calls], {}
            case "turn_began" | "began":
                began = at if began is None else began
    until = max(until, clock)
    if began is not None:
        turns.append((began, until))
    busy = union((call.begin, until if call.end is None else call.end) for call in calls)
    model = without(union(turns), busy)
    return Lanes(tuple(model), tuple(calls), _total(model), _total(busy))


def _closed(call: ToolCall, at: float) -> ToolCall:
    """End a call whose end was not told with its turn."""
    return call if call.end is not None else ToolCall(call.number, call.begin, at, call.tool, call.failed)


def union(spans: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Join spans that touch."""
    joined: list[tuple[float, float]] = []
    for begin, end in sorted(spans):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((begin, end))
    return joined


def without(
    spans: Iterable[tuple[float, float]], taken: Iterable[tuple[float, float]]
) -> list[tuple[float, float]]:
    """Give what of joined spans lies in none of the other joined ones."""
    left: list[tuple[float, float]] = []
    others = list(taken)
    for begin, end in spans:
        for first, last in others:
            if last <= begin or first >= end:
                continue
            if first > begin:
                left.append((begin, first))
            begin = max(begin, last)
        if begin < end:
            left.append((begin, end))
    return left


def _total(spans: Iterable[tuple[float, float]]) -> float:
    return sum(end - begin for begin, end in spans)
