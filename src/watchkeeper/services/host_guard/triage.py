"""Packets of what a scan saw: of one group, of a lane, or of all that a person should know of."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from typing import Any

from watchkeeper.domain.host_guard.absence import absence
from watchkeeper.domain.host_guard.evidence import Lane
from watchkeeper.domain.host_guard.families import Family
from watchkeeper.domain.host_guard.figures import Judged
from watchkeeper.domain.host_guard.lanes import CI_LANE, HOST_ALERTS, ORPHAN_LANE
from watchkeeper.domain.host_guard.packet import HOT_CORES, Told, packet
from watchkeeper.services.host_guard.export import Exported

TO_TELL_OF = frozenset({Lane.ORPHAN, Lane.CI, Lane.UNPROVEN, Lane.UNKNOWN})
MOST_PACKETS = 8
"""Of one alert: the groups that take the most, so that a crowd of them does not fill the database."""

Packet = dict[str, Any]


class Triage:
    """Makes packets for a machine; `redact` takes secrets out of foreign texts."""

    def __init__(self, redact: Callable[[str], str], host: str | None = None) -> None:
        self.host = host or socket.gethostname()
        self.redact = redact

    def of_all(self, seen: Exported) -> list[Packet]:
        """Tell of each orphan, each CI job, and each group that only looks like one."""
        return self._of(seen, (one for one in seen.judged if one.judgement.lane in TO_TELL_OF))

    def of_process(self, seen: Exported, pid: int) -> list[Packet]:
        """Tell of the group that a process is in; empty where it is in none."""
        return self._of(
            seen, (one for one in seen.judged if pid in {member.key.pid for member in one.group.members})
        )

    def of_lane(self, seen: Exported, lane: str) -> list[Packet]:
        """Tell of an alert's groups, those first that take the most; of none there is a packet too, which says so."""
        found = sorted(_meant(seen.judged, lane), key=lambda one: -(one.cores or 0.0))[:MOST_PACKETS]
        alert = next((one for one in HOST_ALERTS.values() if one.lane_id == lane), None)
        if found or alert is None:
            return self._of(seen, found)
        return [absence(alert, self._told(seen, ()), seen.judged)]

    def of_runaways(self, seen: Exported) -> list[Packet]:
        """Tell of the proven orphans that took more than the alert's threshold since the scan before."""
        return self._of(
            seen,
            (one for one in _meant(seen.judged, ORPHAN_LANE.lane_id) if (one.cores or 0.0) > HOT_CORES),
        )

    def _of(self, seen: Exported, chosen: Iterable[Judged]) -> list[Packet]:
        return [packet(one, self._told(seen, seen.windows.get(one.group.root.key, ()))) for one in chosen]

    def _told(self, seen: Exported, windows: tuple[float, ...]) -> Told:
        return Told(self.host, seen.scan, windows, self.redact)


def _meant(judged: Iterable[Judged], lane: str) -> list[Judged]:
    """Give the groups that an alert of a lane means."""
    if lane == CI_LANE.lane_id:
        return [one for one in judged if one.judgement.lane is Lane.CI]
    if lane == ORPHAN_LANE.lane_id:
        orphans = (one for one in judged if one.judgement.lane is Lane.ORPHAN)
        return [one for one in orphans if one.group.family is Family.BROWSER]
    return []
