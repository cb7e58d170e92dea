"""The scan as a duty of `watch`: where it runs anyway, no cron is needed. The database is told what each came to."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from watchkeeper.domain.errors import SettingError
from watchkeeper.host.scan import ScanError
from watchkeeper.host.textfile import NotWritten
from watchkeeper.services.duties import Duty, Ran
from watchkeeper.services.host_guard.export import STATE, Exported, HostExport
from watchkeeper.services.host_guard.reporting import HostReporting

EVERY_SECONDS = 120.0
FOREIGN_SECONDS = 1.5 * EVERY_SECONDS
"""A state that somebody else wrote within this time has an exporter that keeps it."""


class Scanning:
    """Scans this machine with its state in `state`, and tells `reporting`."""

    def __init__(self, state: Path, export: HostExport, reporting: HostReporting) -> None:
        self._state = state
        self._export = export
        self._reporting = reporting
        self._written: float | None = None

    def duty(self) -> Duty:
        return Duty("host_scan", self.run_once, EVERY_SECONDS, when_still=True)

    async def run_once(self) -> Ran:
        """Scan once and tell of it; raise SettingError where this host cannot be scanned, or nothing be written."""
        try:
            exported = await asyncio.to_thread(self._run)
        except (ScanError, NotWritten, OSError) as error:
            raise SettingError(f"this host was not scanned: {error}") from error
        packets = await self._reporting.tell(exported)
        return Ran({"groups": len(exported.judged), "packets": packets})

    def _run(self) -> Exported:
        """Where cron scans as well, the state between two scans is left to it: CPU is told by its intervals."""
        self._state.mkdir(mode=0o755, parents=True, exist_ok=True)
        now, written = time.time(), self._changed_at()
        is_foreign = not self._export.is_exporting and written not in (None, self._written)
        if is_foreign and now - (written or 0.0) < FOREIGN_SECONDS:
            return self._export.look(now)
        exported = self._export.run(now)
        self._written = self._changed_at()
        return exported

    def _changed_at(self) -> float | None:
        try:
            return (self._state / STATE).stat().st_mtime
        except FileNotFoundError:
            return None
