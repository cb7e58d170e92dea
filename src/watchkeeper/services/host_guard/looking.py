"""A scan of this host, judged by the database's own word on its sessions: acts rest on one, and looks after them."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

from watchkeeper.domain.errors import SettingError
from watchkeeper.domain.host_guard.evidence import ENDING_SECONDS, Judgement, judge
from watchkeeper.domain.host_guard.grouping import Group, groups_of
from watchkeeper.domain.host_guard.ledger import Ledger
from watchkeeper.domain.host_guard.seen import Scan
from watchkeeper.host.scan import HostScanner, ScanError
from watchkeeper.services.host_guard.ledger_keeping import LedgerKeeping


@dataclass(frozen=True, slots=True)
class Look:
    """One scan, what it came to group by group, and the word that it was judged by."""

    scan: Scan
    judged: tuple[tuple[Group, Judgement], ...]
    ledger: Ledger


class Looking:
    """Looks at this host; it only reads."""

    def __init__(
        self, ledger: LedgerKeeping, proc: Path = Path("/proc"), *, ending_seconds: float = ENDING_SECONDS
    ) -> None:
        self._ledger = ledger
        self._scanner = HostScanner(proc)
        self._ending_seconds = ending_seconds

    async def look(self) -> Look:
        """Scan, and ask the database of every session that was seen; raise SettingError where that cannot be read."""
        scan = await asyncio.to_thread(self._scan)
        asked = {one.attempt for one in scan.processes.values() if one.attempt is not None}
        ledger = await self._ledger.ledger(asked)
        return self._judged(scan, ledger)

    def again(self, ledger: Ledger) -> Look:
        """Scan once more, by the word that was just given; raise SettingError where that cannot be read."""
        return self._judged(self._scan(), ledger)

    def _scan(self) -> Scan:
        try:
            return self._scanner.scan(time.time())
        except ScanError as error:
            raise SettingError(f"this host was not scanned: {error}") from error

    def _judged(self, scan: Scan, ledger: Ledger) -> Look:
        said = ((group, judge(group, scan, ledger, self._ending_seconds)) for group in groups_of(scan))
        return Look(scan, tuple(said), ledger)
