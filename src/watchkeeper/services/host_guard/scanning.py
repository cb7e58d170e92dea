"""The scan as a duty of `watch`: where it runs anyway, no cron is needed."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from watchkeeper.domain.errors import SettingError
from watchkeeper.host.scan import ScanError
from watchkeeper.host.textfile import NotWritten
from watchkeeper.services.duties import Duty, Ran
from watchkeeper.services.host_guard.export import Exported, HostExport

EVERY_SECONDS = 120.0


class Scanning:
    """Scans this machine, with its state in `state` and the metrics in `directory`."""

    def __init__(self, state: Path, directory: Path, proc: Path = Path("/proc")) -> None:
        self._state = state
        self._export = HostExport(proc, state, directory)

    def duty(self) -> Duty:
        return Duty("host_scan", self.run_once, EVERY_SECONDS, when_still=True)

    async def run_once(self) -> Ran:
        """Scan once; raise SettingError where the metrics cannot be written."""
        try:
            exported = await asyncio.to_thread(self._run)
        except (ScanError, NotWritten, OSError) as error:
            raise SettingError(f"this host was not scanned: {error}") from error
        return Ran({"groups": len(exported.judged)})

    def _run(self) -> Exported:
        self._state.mkdir(mode=0o755, parents=True, exist_ok=True)
        return self._export.run(time.time())
