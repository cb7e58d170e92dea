"""What the guard of a machine tells the database: what a scan came to, and the packets that somebody waits for.

A packet of a runaway goes out with the very scan that finds it so; one that an alert asks for within ASK_SECONDS.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

from watchkeeper.domain.host_guard.figures import (
    active_ci_containers,
    active_ci_jobs,
    orphan_cores,
    orphan_groups,
)
from watchkeeper.domain.principals import SYSTEM_PROJECT
from watchkeeper.host.scan import ScanError
from watchkeeper.services.duties import Duty, Ran
from watchkeeper.services.host_guard.export import Exported
from watchkeeper.services.host_guard.packets import HostPackets
from watchkeeper.services.host_guard.triage import Triage
from watchkeeper.storage.database import Database

ASK_SECONDS = 10.0
ACTOR = "host_guard"
MOST_GROUPS = 30


class HostReporting:
    """Reports for one machine, known to alerts by `names`. `look` scans it and writes nothing."""

    def __init__(
        self,
        database: Database,
        packets: HostPackets,
        triage: Triage,
        look: Callable[[float], Exported],
        names: Sequence[str] = (),
    ) -> None:
        self._database = database
        self._packets = packets
        self._triage = triage
        self._look = look
        self._names = (triage.host, triage.host.partition(".")[0], *names)

    def duty(self) -> Duty:
        return Duty("host_packets", self.answer, ASK_SECONDS, when_still=True)

    async def tell(self, seen: Exported) -> int:
        """Write down what a scan came to, and its runaways' packets; give how many of these were new."""
        await self._database.fetch(
            "keep_host_reading", _reading(self._triage.host, seen, self._triage.redact)
        )
        kept = 0
        for packet in self._triage.of_runaways(seen):
            row = await self._packets.keep(SYSTEM_PROJECT, packet, actor=ACTOR, names=self._names)
            kept += row is not None
        return kept

    async def answer(self) -> Ran:
        """Scan for the alerts that wait for a packet of this machine, and keep one for each."""
        wanted = await self._packets.wanted(self._names)
        if not wanted:
            return Ran({})
        try:
            seen = await asyncio.to_thread(self._look, time.time())
        except ScanError:
            return Ran({})  # the scan's own duty tells of it; the incident goes on waiting
        kept = 0
        for each in wanted:
            for packet in self._triage.of_lane(seen, each.lane):
                row = await self._packets.keep(each.project_id, packet, actor=ACTOR, wanted=each)
                kept += row is not None
        return Ran({"packets": kept})


def _reading(host: str, seen: Exported, redact: Callable[[str], str]) -> dict[str, Any]:
    scan = seen.scan
    groups = [
        {
            "pid": one.group.root.key.pid,
            "program": redact(one.group.root.comm),
            "family": one.group.family.value,
            "lane": one.judgement.lane.value,
            "level": one.judgement.level.value,
            "processes": len(one.group.members),
            "cores": one.cores,
            "because": list(one.judgement.because),
        }
        for one in sorted(seen.judged, key=lambda one: -(one.cores or 0.0))[:MOST_GROUPS]
    ]
    return {
        "project_id": SYSTEM_PROJECT,
        "host_id": host.lower(),
        "monitor_up": True,
        "processes": len(scan.processes),
        "unreadable": scan.unreadable,
        "orphan_browser_groups": orphan_groups(seen.judged),
        "orphan_browser_cores": orphan_cores(seen.judged),
        "active_ci_jobs": active_ci_jobs(scan),
        "active_ci_containers": active_ci_containers(seen.judged),
        "load5_per_core": scan.load.load5 / scan.load.cores,
        "swap_used_ratio": scan.load.swap_used,
        "groups": json.dumps(groups).encode("utf-8", "replace").decode(),
    }
