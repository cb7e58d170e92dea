"""How much one answer may tell: a client cuts off, or refuses, what is too long for its model."""

from __future__ import annotations

from typing import Any

from watchkeeper.interfaces.mcp.toolbox import Json, as_text

MOST_CHARS = 50_000
"""Of one answer: about twelve thousand tokens, half of what Claude Code takes from a tool."""

LONGEST_TEXTS = (4_000, 1_000, 300, 100)
MOST_ITEMS = (100, 50, 20, 5)


def short(answer: Json) -> str:
    """Write an answer as JSON, cut where it is too long."""
    return as_text(bounded(answer))


def bounded(answer: Json) -> Json:
    """Cut long texts, then long lists, until the answer is short enough; it says that it was cut."""
    if len(as_text(answer)) <= MOST_CHARS:
        return answer
    for longest, most in zip(LONGEST_TEXTS, MOST_ITEMS, strict=True):
        shorter: Json = _cut(answer, longest, most)
        if len(as_text(shorter)) <= MOST_CHARS:
            return shorter | {"cut": f"texts to {longest} characters, lists to {most} entries; ask for less"}
    return {
        "ok": True,
        "cut": "this is too long to be told whole; ask for fewer rows, or for one thing at a time",
    }


def _cut(value: Any, longest: int, most: int) -> Any:
    if isinstance(value, str) and len(value) > longest:
        return f"{value[:longest]} ... ({len(value) - longest} characters more)"
    if isinstance(value, dict):
        return {name: _cut(inner, longest, most) for name, inner in value.items()}
    if isinstance(value, list):
        more = [f"... ({len(value) - most} entries more)"] if len(value) > most else []
        return [_cut(inner, longest, most) for inner in value[:most]] + more
    return value
