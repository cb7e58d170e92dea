"""Whether a target is still what was approved, by a scan of this moment. Any doubt is a refusal."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from watchkeeper.domain.host_guard.evidence import Judgement, Lane, Level
from watchkeeper.domain.host_guard.grouping import Group
from watchkeeper.domain.host_guard.plan import Process
from watchkeeper.domain.host_guard.seen import Scan

STRONG = frozenset({Level.A, Level.B})


def why_not(
    target: Process, scan: Scan, judged: Sequence[tuple[Group, Judgement]], own: Collection[int]
) -> str | None:
    """Say why a target may not be signalled; None where it is the very process, and proven an orphan's root still.

    `own` are the pids of who asks and of what stands above it. Boot, pid namespace, pid and start time are compared,
    then mark, lane and evidence judged anew.
    """
    pid = target.pid
    if (target.boot_id, target.pid_ns) != (scan.boot_id, scan.pid_ns):
        return f"process {pid} is of another boot or pid namespace"
    seen = scan.processes.get(pid)
    if seen is None or seen.is_gone:
        return f"process {pid} has ended"
    if seen.key.start_ticks != target.start_ticks:
        return f"process {pid} is another one now: the pid was reused"
    if pid <= 1 or pid in own or seen.ppid == 0:
        return f"process {pid} is never signalled: it is init, the kernel's, or stands above this one"
    found = next(((group, said) for group, said in judged if group.root.key == seen.key), None)
    if found is None:
        return f"process {pid} is the root of no group any more"
    group, said = found
    if said.lane is not Lane.ORPHAN:
        return f"process {pid} is no proven orphan any more: {said.lane}"
    if said.level not in STRONG:
        return f"process {pid} is proven by level {said.level} only"
    if any(member.key.pid in own for member in group.members):
        return f"process {pid} stands above the one that asks"
    return None
