"""Judges the rows behind the last seal: those that wait for the sealer, and those that nobody can have written so."""

from __future__ import annotations

from collections.abc import AsyncIterator

from watchkeeper.domain.audit_chain import Position
from watchkeeper.domain.audit_findings import Finding, Note, Verification, What
from watchkeeper.services.audit_form import position_of
from watchkeeper.storage.audit import Moment, RawRow

LATE_SECONDS = 60.0
"""A sealer takes a row within a second or two of the end of the last transaction that could stand before it."""

AHEAD_SECONDS = 60.0
"""So far a row may be dated ahead: the clock of the database may have been set back meanwhile."""


class TailCheck:
    """Looks at unsealed rows as of one moment. One that was inserted looks like an honest one only where it is new,
    of the present timeline, and of a transaction that has begun."""

    def __init__(self, moment: Moment, report: Verification) -> None:
        self._moment = moment
        self._report = report
        self._oldest: int | None = None
        self._late = 0
        self._first_late: Position | None = None

    async def check(self, tail: AsyncIterator[list[RawRow]]) -> None:
        async for chunk in tail:
            for row in chunk:
                self._judge(row)
        if self._oldest is None:
            return
        seconds = self._report.unsealed_seconds = max(0.0, (self._moment.now - self._oldest) / 1e6)
        detail = f"{self._report.unsealed_rows} rows are not sealed yet, the oldest for {seconds:.1f} s"
        self._report.note(Note.UNSEALED_TAIL, detail)
        if self._late:
            detail = f"{self._late} rows wait for a seal for over {LATE_SECONDS:.0f} s, and no writer is in the way"
            self._report.add(Finding(What.UNSEALED_TAIL, detail, place=self._first_late))

    def _judge(self, row: RawRow) -> None:
        if (why := self._impossible(row)) is not None:
            self._report.add(
                Finding(What.INSERTED, f"no seal covers this row, and {why}", place=position_of(row))
            )
            return
        self._report.unsealed_rows += 1
        self._oldest = row.at if self._oldest is None else min(row.at, self._oldest)
        final = row.timeline < self._moment.timeline or row.xid < self._moment.horizon
        if final and (self._moment.now - row.at) / 1e6 > LATE_SECONDS:
            self._late += 1
            self._first_late = self._first_late or position_of(row)

    def _impossible(self, row: RawRow) -> str | None:
        moment = self._moment
        if row.timeline > moment.timeline:
            return f"its timeline has not begun: the present one is {moment.timeline}"
        if row.timeline == moment.timeline and row.xid >= moment.ceiling:
            return "its transaction has not begun, or was another cluster's"
        if (row.at - moment.now) / 1e6 > AHEAD_SECONDS:
            return "it is dated in the future"
        return None
