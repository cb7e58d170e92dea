"""One scan of this host, judged and written down for Prometheus; the server's word on sessions comes from a file.

Standard library only and without the database: it runs each two minutes from cron, beside whatever else is wrong.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from watchkeeper.domain.exposition import Metric, exposition
from watchkeeper.domain.host_guard.evidence import judge
from watchkeeper.domain.host_guard.figures import PREFIX, Judged, failed, figures
from watchkeeper.domain.host_guard.grouping import groups_of
from watchkeeper.domain.host_guard.ledger import Ledger
from watchkeeper.domain.host_guard.seen import Attempt, Key, Scan
from watchkeeper.domain.host_guard.usage import WINDOWS, Spent, cores
from watchkeeper.host.scan import HostScanner, ScanError
from watchkeeper.host.textfile import replace_file

FILE_NAME = "host_runaway_process.prom"
LEDGER = "ledger.json"
"""What the server writes for the exporter, in the state directory."""

STATE = "scan.json"
"""What the exporter keeps from one scan to the next; the server reads there which attempts it was asked for."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What is kept between two scans. `windows` are the cores of each group's last windows, by its root."""

    spent: Spent | None = None
    windows: Mapping[Key, tuple[float, ...]] | None = None


@dataclass(frozen=True, slots=True)
class Exported:
    """One scan and what it came to."""

    scan: Scan
    judged: tuple[Judged, ...]
    windows: Mapping[Key, tuple[float, ...]]
    ledger: Ledger | None


class HostExport:
    """Scans `proc`, keeps its state in `state` (a directory), and writes the metrics into `directory`, if any."""

    def __init__(self, proc: Path, state: Path, directory: Path | None) -> None:
        self._scanner = HostScanner(proc)
        self._state = state
        self._path = None if directory is None else directory / FILE_NAME

    @property
    def is_exporting(self) -> bool:
        return self._path is not None

    def run(self, now: float) -> Exported:
        """Scan once and write; raise ScanError or NotWritten. After a failed scan the metrics say that it failed."""
        try:
            exported = self.look(now)
        except ScanError:
            self._write(failed(now))
            raise
        self._write(figures(exported.scan, exported.judged, exported.ledger))
        replace_file(self._state / STATE, json.dumps(_state(exported)))
        return exported

    def _write(self, metrics: list[Metric]) -> None:
        if self._path is not None:
            replace_file(self._path, exposition(PREFIX, metrics))

    def look(self, now: float) -> Exported:
        """Scan once and judge, and write nothing; raise ScanError."""
        scan = self._scanner.scan(now)
        memory, ledger = self._remembered(), self._ledger()
        judged = tuple(
            Judged(group, judge(group, scan, ledger), cores(group, scan, memory.spent))
            for group in groups_of(scan)
        )
        windows = {
            one.group.root.key: (*(memory.windows or {}).get(one.group.root.key, ()), one.cores)[-WINDOWS:]
            for one in judged
            if one.cores is not None
        }
        return Exported(scan, judged, windows, ledger)

    def _ledger(self) -> Ledger | None:
        """Read the server's word; one that is missing or broken is none, as the metrics say."""
        data = _read(self._state / LEDGER)
        try:
            return None if data is None else Ledger.from_json(data)
        except (KeyError, TypeError, ValueError):
            return None

    def _remembered(self) -> Memory:
        data = _read(self._state / STATE)
        try:
            return Memory() if data is None else _memory(data)
        except (KeyError, TypeError, ValueError):
            return Memory()  # a state of another version: the next scan has one to compare with


def attempts_asked(state: Path) -> list[Attempt]:
    """Give the attempts whose marks the last scan saw: the server says of these whether they live."""
    data = _read(state / STATE)
    try:
        asked = [] if data is None else data["attempts"]
        return [Attempt(str(project), UUID(job), int(number)) for project, job, number in asked]
    except (KeyError, TypeError, ValueError):
        return []


def _state(exported: Exported) -> dict[str, Any]:
    scan = exported.scan
    asked = {one.attempt for one in scan.processes.values() if one.attempt is not None}
    return {
        "version": 1,
        "boot_id": scan.boot_id,
        "pid_ns": scan.pid_ns,
        "uptime": scan.uptime,
        "spent": [[*one.key, one.cpu_seconds] for one in scan.processes.values()],
        "windows": [[*key, list(windows)] for key, windows in exported.windows.items()],
        "attempts": sorted((one.project, str(one.job), one.number) for one in asked),
    }


def _memory(data: Mapping[str, Any]) -> Memory:
    spent = {Key(int(pid), int(ticks)): float(seconds) for pid, ticks, seconds in data["spent"]}
    return Memory(
        Spent(str(data["boot_id"]), str(data["pid_ns"]), float(data["uptime"]), spent),
        {Key(int(pid), int(ticks)): tuple(map(float, cores)) for pid, ticks, cores in data["windows"]},
    )


def _read(path: Path) -> Mapping[str, Any] | None:
    """Read a file that is replaced whole; None where it is missing or no JSON object."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return data if isinstance(data, dict) else None
