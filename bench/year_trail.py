"""The audit trail of a simulated year: sealed each day, its months archived once they are over, verified at the end."""

from __future__ import annotations

from datetime import date, timedelta

from watchkeeper.domain.errors import Conflict, DatabaseUnavailable, WatchkeeperError
from watchkeeper.services.audit_archive import AuditArchive
from watchkeeper.services.audit_keys import AuditFiles
from watchkeeper.services.audit_sealer import AuditSealer
from watchkeeper.services.audit_verify import AuditVerifier
from watchkeeper.storage.database import Database

ROWS_A_SEAL = 3
"""A quiet installation seals twice a second, so that a seal covers a job's rows and not a thousand of them."""


class YearTrail:
    """Seals and archives by the simulated clock, from the month in which it began."""

    def __init__(self, database: Database, files: AuditFiles, begun: date) -> None:
        self._files = files
        self._sealer = AuditSealer(database, files, batch=ROWS_A_SEAL)
        self._archive = AuditArchive(database, files)
        self._verifier = AuditVerifier(database, files)
        self._oldest = begun.replace(day=1)
        self.archived_rows = 0

    async def one_day(self, rows: int, today: date) -> None:
        """Seal as many rows as the day has brought, and a month's last ones with the next day's; archive what is over.

        A month that somebody reads or whose last rows an open writer holds back, as autovacuum may, is archived on
        another day; one that never is shows in its size.
        """
        for _ in range(rows // ROWS_A_SEAL + 2):
            await self._sealer.run_once()
        while (following := (self._oldest + timedelta(days=32)).replace(day=1)) <= today:
            try:
                done = await self._archive.archive(self._oldest, actor="system:bench", reason="over")
            except (Conflict, DatabaseUnavailable):
                return
            self.archived_rows += done.rows
            self._oldest = following

    def archive_bytes(self) -> int:
        """Give the room of the files that hold the months that were archived."""
        return sum(path.stat().st_size for path in self._files.archive.iterdir()) if self.archived_rows else 0

    async def demand_whole(self) -> None:
        """Verify the year: what is in the database and what is in the files; raise where anything is wrong."""
        report = await self._verifier.verify()
        if not report.ok or not self.archived_rows or report.archived_rows != self.archived_rows:
            raise WatchkeeperError(f"the year's trail does not verify: {report.to_json()}")
