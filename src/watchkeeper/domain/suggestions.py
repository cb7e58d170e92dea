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


MAX_LOOKED_AT = 4096


def shown(value: object, limit: int = 60) -> str:
    """Show a wrong value in a message, cut to `limit` characters, what looks like a secret taken out before."""
    # What callers send may be huge; and the contract's commands start faster without this import.
    from watchkeeper.domain.redaction import Redactor

    told = value[:MAX_LOOKED_AT] if isinstance(value, str) else repr(value)[:MAX_LOOKED_AT]
    told = Redactor().redact(told)
    text = repr(told[: limit + 1]) if isinstance(value, str) else told
    return text if len(text) <= limit else text[:limit] + "..."
