"""What a session's processes take of the machine together, held against limits that no controller holds."""

from __future__ import annotations

import os
from pathlib import Path

from watchkeeper.agents.scope import Limits
from watchkeeper.agents.session import Session
from watchkeeper.domain.jobs import StateReason
from watchkeeper.host.clock import boot_clock
from watchkeeper.services.supervision.observing import Picture
from watchkeeper.services.supervision.steps import GiveUp

MOST_COUNTED = 20_000
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Footprint:
    """One session's. Blocks for short times: call it in a thread. What the kernel holds is not looked at."""

    def __init__(self, session: Session, limits: Limits, picture: Picture, sample_seconds: float) -> None:
        held = session.limits_held
        self._session = session
        self._memory = None if "memory" in held else limits.memory_bytes
        self._processes = None if "pids" in held else limits.processes
        self._picture = picture
        self._sample_seconds = sample_seconds
        self._looked_at = boot_clock()

    @property
    def look_seconds(self) -> float | None:
        """Give how often it is to be looked at; None for never."""
        return None if self._memory is None and self._processes is None else self._sample_seconds

    def passed(self) -> GiveUp | None:
        """Name the limit that is passed, at most once in `sample_seconds`."""
        if self.look_seconds is None or boot_clock() < self._looked_at + self._sample_seconds:
            return None
        self._looked_at = boot_clock()
        table, shim = self._picture.table(self._sample_seconds), self._session.shim
        if shim is None or shim.pid not in table or table[shim.pid].start_ticks != shim.start_ticks:
            return None
        pids = [pid for pid in self._picture.below(shim.pid, MOST_COUNTED) if table[pid].alive]
        if self._processes is not None and len(pids) > self._processes:
            return _budget(
                f"it has {len(pids)} processes; the limit is {self._processes}", processes=len(pids)
            )
        if self._memory is None or sum(table[pid].rss_pages for pid in pids) * PAGE_BYTES <= self._memory:
            return None
        # What processes share was counted for each of them: now it is looked at closely.
        used = sum(_proportional_bytes(pid, table[pid].rss_pages * PAGE_BYTES) for pid in pids)
        if used <= self._memory:
            return None
        return _budget(
            f"its processes hold {used} bytes of memory; the limit is {self._memory}", memory_bytes=used
        )


def _proportional_bytes(pid: int, otherwise: int) -> int:
    """Give what a process takes, of shared pages its part; `otherwise` where that may not be read; 0 if it is gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_bytes().splitlines()
    except PermissionError:
        return otherwise
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(b"Pss:"))


def _budget(because: str, **evidence: int) -> GiveUp:
    return GiveUp("budget", because, StateReason.BUDGET, evidence)
