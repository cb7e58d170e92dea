"""What a person who mistyped a word most likely meant."""

from __future__ import annotations

import difflib
from collections.abc import Collection


def did_you_mean(word: str, known: Collection[str]) -> str:
    """Give the end of a message about an unknown word: the nearest known one, or else all that are known."""
    near = difflib.get_close_matches(word.lower()[:100], known, n=1, cutoff=0.6)
    if near:
        return f"did you mean '{near[0]}'?"
    return f"known are {', '.join(sorted(known))}"


def shown(value: object, limit: int = 60) -> str:
    """Show a wrong value in a message, cut to `limit` characters: what callers send may be huge."""
    text = repr(value[: limit + 1] if isinstance(value, str) else value)
    return text if len(text) <= limit else text[:limit] + "..."
