"""CPU by differences between two scans, in cores: one scan alone says nothing, and a long life says little of now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from watchkeeper.domain.host_guard.grouping import Group
from watchkeeper.domain.host_guard.seen import Key, Scan

SHORTEST_WINDOW = 1.0
"""Seconds: a tick is 10 ms, so that a shorter window is off by more than a hundredth of a core."""

WINDOWS, HOT_WINDOWS = 6, 5
"""A group is hot when it was so in so many of its last windows: a mean would be carried by one burst."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What every process had used by a scan, `uptime` seconds after the boot."""

    boot_id: str
    pid_ns: str
    uptime: float
    seconds: Mapping[Key, float]

    @classmethod
    def by(cls, scan: Scan) -> Spent:
        return cls(
            scan.boot_id,
            scan.pid_ns,
            scan.uptime,
            {process.key: process.cpu_seconds for process in scan.processes.values()},
        )


def cores(group: Group, scan: Scan, before: Spent | None) -> float | None:
    """Give how many cores a group took since the scan before; None where the two cannot be compared.

    A process that is new counts with its whole life where that began between the two.
    """
    if before is None or (before.boot_id, before.pid_ns) != (scan.boot_id, scan.pid_ns):
        return None
    window = scan.uptime - before.uptime
    if window < SHORTEST_WINDOW:
        return None
    used = 0.0
    for member in group.members:
        was = before.seconds.get(member.key)
        if was is None:
            was = 0.0 if scan.at - member.started_at <= window else member.cpu_seconds
        used += max(0.0, member.cpu_seconds - was)
    return min(used / window, float(scan.load.cores))


def is_hot(windows: Sequence[float], threshold: float) -> bool:
    """Say whether a group was above so many cores in nearly all of its last windows."""
    last = windows[-WINDOWS:]
    return len(last) == WINDOWS and sum(value > threshold for value in last) >= HOT_WINDOWS
