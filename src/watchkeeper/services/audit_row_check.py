"""Holds the rows of a seal to its hashes, and names those that differ."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import AsyncIterator

from watchkeeper.domain.audit_chain import Position, Seal
from watchkeeper.domain.audit_findings import Difference, Finding, Verification, What, differences
from watchkeeper.domain.audit_places import Places
from watchkeeper.services.audit_form import hash_of, position_of
from watchkeeper.storage.audit import RawRow

MOST_EXTRA_ROWS = 10_000
"""Rows beyond those of its seal that are kept to be named; more are only counted."""

MOST_MOVED = 50
"""Bad rows of one seal that are tried at each other's places, to tell a reordering from edits."""


class RowReader:
    """Gives rows in the total order, as far as one asks."""

    def __init__(self, chunks: AsyncIterator[list[RawRow]]) -> None:
        self._chunks = chunks
        self._chunk: list[RawRow] = []
        self._next = 0

    async def up_to(self, last: Position, most: int) -> tuple[list[RawRow], int]:
        """Give the rows up to a place, and how many of them beyond `most` were passed over."""
        taken: list[RawRow] = []
        passed = 0
        while self._next < len(self._chunk) or await self._read():
            end = bisect_right(self._chunk, last, lo=self._next, key=position_of)
            taken += self._chunk[self._next : end]
            if len(taken) > most:
                passed += len(taken) - most
                del taken[most:]
            self._next = end
            if end < len(self._chunk):
                break
        return taken, passed

    async def pass_over(self, last: Position) -> None:
        """Leave out the rows up to a place."""
        await self.up_to(last, 0)

    async def rest(self) -> AsyncIterator[list[RawRow]]:
        """Give what is left, in chunks."""
        while self._next < len(self._chunk) or await self._read():
            yield self._chunk[self._next :]
            self._next = len(self._chunk)

    async def _read(self) -> bool:
        self._chunk = await anext(self._chunks, [])
        self._next = 0
        return bool(self._chunk)


class RowCheck:
    """Compares rows with seals. Rows at `archived` places are not to be there."""

    def __init__(self, archived: Places, report: Verification) -> None:
        self._archived = archived
        self._report = report

    async def check(self, seal: Seal, reader: RowReader, *, certain: bool) -> None:
        """Compare the rows up to a genuine seal's end; without `certain`, those before its first are not its own."""
        rows, passed = await reader.up_to(seal.last, seal.row_count + MOST_EXTRA_ROWS)
        if not certain:
            rows = [row for row in rows if position_of(row) >= seal.first]
        hashes = list(map(hash_of, rows))
        begin = seal.rows_before
        self._report.rows += len(rows)
        if self._archived.touches(begin, begin + seal.row_count):
            expected = [(n, h) for n, h in enumerate(seal.hashes()) if begin + n not in self._archived]
            self._report.archived_rows += seal.row_count - len(expected)
        elif b"".join(hashes) == seal.row_hashes:
            return
        else:
            expected = list(enumerate(seal.hashes()))
        found = differences([h for _, h in expected], hashes)
        self._name(seal, found, [n for n, _ in expected], [h for _, h in expected], rows)
        if passed:
            detail = f"and {passed} rows more that no seal covers"
            self._report.add(Finding(What.INSERTED, detail, seal.number, place=position_of(rows[-1])))

    def _name(
        self, seal: Seal, found: list[Difference], numbers: list[int], wanted: list[bytes], rows: list[RawRow]
    ) -> None:
        moved = _moved(found, wanted, rows)
        for difference in found:
            number = None if difference.expected is None else numbers[difference.expected] + 1
            if difference.found is None:
                detail = f"row {number} of {seal.row_count} is not there"
                self._report.add(Finding(What.MISSING, detail, seal.number, number))
                continue
            place = position_of(rows[difference.found])
            if number is None:
                finding = Finding(What.INSERTED, "no seal covers this row", seal.number, place=place)
            elif difference.found in moved:
                finding = Finding(
                    What.REORDERED, "this row was sealed at another place", seal.number, number, place
                )
            else:
                finding = Finding(What.EDITED, "this row is not what was sealed", seal.number, number, place)
            self._report.add(finding)


def _moved(found: list[Difference], wanted: list[bytes], rows: list[RawRow]) -> set[int]:
    """Tell which edited rows are right at the place of another edited row."""
    edited = [(d.expected, d.found) for d in found if d.expected is not None and d.found is not None]
    if not 2 <= len(edited) <= MOST_MOVED:
        return set()
    hashes = {wanted[expected] for expected, _ in edited}
    places = [position_of(rows[at]) for _, at in edited]
    return {
        at
        for _, at in edited
        if any(hash_of(rows[at]._replace(**place._asdict())) in hashes for place in places)
    }
