"""Keeps count of how many jobs ended when, so that no reader has to count them."""

from __future__ import annotations

from watchkeeper.services.duties import Duty, Ran
from watchkeeper.storage.database import Database

COUNT_SECONDS = 15.0
SETTLE_SECONDS = 5.0
"""A job's end is counted once it is so old: the transaction that wrote it is over by then."""

FAR_BEHIND_SECONDS = 60.0


class OutcomeCounts:
    """The counter of one database; several processes may run it, one counts at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def duty(self) -> Duty:
        return Duty("outcome_counts", self.count, COUNT_SECONDS, when_still=True)

    async def count(self) -> Ran:
        """Count what ended since the last count, an hour of it at most; ask to go on at once where that leaves some."""
        row = await self._database.fetch_one("count_outcomes", {"settle_seconds": SETTLE_SECONDS})
        if row is None:
            return Ran({})
        # What is counted is no news: a log line each quarter of a minute would be.
        return Ran({}, 0.0 if row["behind_seconds"] > FAR_BEHIND_SECONDS else None)
