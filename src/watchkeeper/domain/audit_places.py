"""Sets of places in the chain, as sorted ranges: rows counted from its begin. Archived rows are told by these."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence

Range = tuple[int, int]
"""From, and to exclusive."""


class Places:
    """Ranges that do not touch."""

    def __init__(self, ranges: Iterable[Sequence[int]] = ()) -> None:
        """Raise ValueError for a range that is empty or begins below 0."""
        self.ranges: list[Range] = []
        for begin, end in sorted((int(a), int(b)) for a, b in ranges):
            if not 0 <= begin < end:
                raise ValueError(f"no range: {begin} to {end}")
            if self.ranges and begin <= self.ranges[-1][1]:
                self.ranges[-1] = (self.ranges[-1][0], max(end, self.ranges[-1][1]))
            else:
                self.ranges.append((begin, end))
        self._begins = [begin for begin, _ in self.ranges]

    def __contains__(self, place: int) -> bool:
        index = bisect_right(self._begins, place) - 1
        return index >= 0 and place < self.ranges[index][1]

    def __len__(self) -> int:
        return sum(end - begin for begin, end in self.ranges)

    def touches(self, begin: int, end: int) -> bool:
        """Say whether any place from `begin` to before `end` is among these."""
        index = bisect_right(self._begins, max(begin, end - 1)) - 1
        return begin < end and index >= 0 and self.ranges[index][1] > begin


class PlaceCollector:
    """Puts rising places together to ranges as they come."""

    def __init__(self) -> None:
        self.ranges: list[Range] = []

    def add(self, place: int) -> None:
        """Add a place; raise ValueError for one that is not above all before."""
        if self.ranges and place < self.ranges[-1][1]:
            raise ValueError(f"place {place} comes twice or too late")
        if self.ranges and place == self.ranges[-1][1]:
            self.ranges[-1] = (self.ranges[-1][0], place + 1)
        else:
            self.ranges.append((place, place + 1))
