"""The JSON that can be kept: what its readers, the server and the commands, refuse alike."""

from __future__ import annotations

import math

MAX_DEPTH = 100


def finite(text: str) -> float:
    """Read a number for `json.loads`; raise ValueError for one that would become infinite."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the number {text[:40]} is too large")
    return number
