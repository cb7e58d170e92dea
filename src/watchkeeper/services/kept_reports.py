"""Reports that are too dear for every reader: read now and then, kept in memory, given with their own time.

One that is older than it should be is given as it is, and read anew behind the reader's back.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any

from watchkeeper.domain.errors import WatchkeeperError
from watchkeeper.logs import log
from watchkeeper.storage.database import broken_off

FRESH_SECONDS = 60.0
FIRST_WAIT_SECONDS = 0.05
"""So long a reader waits for a report that nobody has asked for before; a small installation's is there by then."""

MOST_KEPT = 200

Report = dict[str, Any]


@dataclass(slots=True)
class _Kept:
    report: Report | None = None
    looked_at: float = 0.0
    reading: asyncio.Task[None] | None = None


class KeptReports:
    """One report of each project that somebody looks at."""

    def __init__(self, name: str, read: Callable[[str], Awaitable[Report]]) -> None:
        self._name = name
        self._read = read
        self._kept: dict[str, _Kept] = {}

    async def get(self, project_id: str) -> Report | None:
        """Give the report as it was read last; None where the first reading is not over yet."""
        kept = self._kept.pop(project_id, None) or _Kept()
        self._kept[project_id] = kept
        if kept.reading is None and (kept.report is None or monotonic() - kept.looked_at > FRESH_SECONDS):
            kept.reading = asyncio.create_task(self._look(project_id, kept), name=f"kept-{self._name}")
        if kept.report is None and kept.reading is not None:
            await asyncio.wait({kept.reading}, timeout=FIRST_WAIT_SECONDS)
        if len(self._kept) > MOST_KEPT:
            oldest = next(name for name, one in self._kept.items() if one.reading is None)
            del self._kept[oldest]
        return kept.report

    async def stop(self) -> None:
        """End readings that are under way; safe to repeat."""
        await broken_off([kept.reading for kept in self._kept.values() if kept.reading is not None])

    async def _look(self, project_id: str, kept: _Kept) -> None:
        try:
            kept.report = await self._read(project_id)
        except WatchkeeperError as error:
            log("duty_failed", duty=f"report {self._name}", code=error.code, detail=error.message)
        except Exception as error:  # noqa: BLE001 - nobody waits for this task: what it met would be lost
            trace = "".join(traceback.format_exception(error))
            log("duty_failed", duty=f"report {self._name}", code="internal_error", detail=trace)
        finally:
            kept.looked_at = monotonic()
            kept.reading = None
