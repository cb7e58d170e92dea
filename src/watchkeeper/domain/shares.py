"""What share could lie behind so many of so many."""

from __future__ import annotations

import math

Z = 1.959964
"""Of the normal distribution, for bounds at 95 %."""


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Give the Wilson score interval at 95 %."""
    if n == 0:
        return (0.0, 1.0)
    share, square = hits / n, Z * Z
    middle = (share + square / (2 * n)) / (1 + square / n)
    half = Z * math.sqrt(share * (1 - share) / n + square / (4 * n * n)) / (1 + square / n)
    return (round(max(0.0, middle - half), 4), round(min(1.0, middle + half), 4))
