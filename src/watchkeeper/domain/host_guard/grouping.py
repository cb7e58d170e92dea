"""Groups: an automated browser with all below it, a session's processes, a CI job's; each is judged as one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from watchkeeper.domain.host_guard.families import Family, ci_marks, family_of, is_browser_main
from watchkeeper.domain.host_guard.seen import Scan, Seen


@dataclass(frozen=True, slots=True)
class Group:
    """`root` stands above all the other members."""

    root: Seen
    members: tuple[Seen, ...]
    family: Family

    @property
    def cpu_seconds(self) -> float:
        return sum(member.cpu_seconds for member in self.members)


def groups_of(scan: Scan) -> list[Group]:
    """Put together what belongs together; what is of no interest is in no group.

    Each process is in one group at most: a browser's group is its own, also within a session's.
    """
    below = _children(scan.processes)
    taken: set[int] = set()
    found: list[Group] = []
    living = [process for process in scan.processes.values() if not process.is_gone]
    for process in living:
        if is_browser_main(process) and not _within_a_browser(process, scan):
            found.append(_group(process, _tree(process, below, set()), Family.BROWSER))
            taken |= {member.key.pid for member in found[-1].members}
    roots = {
        _root(process, scan, taken).key.pid
        for process in living
        if process.key.pid not in taken and _is_marked(process)
    }
    for pid in sorted(roots, key=lambda pid: (scan.processes[pid].started_at, pid)):
        if pid not in taken:
            root = scan.processes[pid]
            found.append(_group(root, _tree(root, below, taken), family_of(root)))
            taken |= {member.key.pid for member in found[-1].members}
    return found


def _is_marked(process: Seen) -> bool:
    return process.attempt is not None or family_of(process) is not Family.OTHER or bool(ci_marks(process))


def _root(process: Seen, scan: Scan, taken: set[int]) -> Seen:
    """Climb as long as what stands above is of the same attempt, or marked in the same way."""
    root = process
    for above in scan.ancestors(process.key.pid):
        if above.key.pid <= 1 or above.key.pid in taken or not _belong_together(above, root):
            break
        root = above
    return root


def _belong_together(above: Seen, below: Seen) -> bool:
    if above.attempt is not None or below.attempt is not None:
        return above.attempt == below.attempt
    if ci_marks(above) or ci_marks(below):
        return bool(ci_marks(above)) and bool(ci_marks(below))
    return family_of(above) is family_of(below) is not Family.OTHER


def _within_a_browser(process: Seen, scan: Scan) -> bool:
    return any(is_browser_main(above) and not above.is_gone for above in scan.ancestors(process.key.pid))


def _group(root: Seen, members: Iterator[Seen], family: Family) -> Group:
    return Group(root, tuple(members), family)


def _tree(root: Seen, below: Mapping[int, list[Seen]], without: set[int]) -> Iterator[Seen]:
    pending, seen = [root], {root.key.pid}
    while pending:
        process = pending.pop()
        yield process
        for child in below.get(process.key.pid, []):
            if child.key.pid not in seen and child.key.pid not in without:
                seen.add(child.key.pid)
                pending.append(child)


def _children(processes: Mapping[int, Seen]) -> dict[int, list[Seen]]:
    found: defaultdict[int, list[Seen]] = defaultdict(list)
    for process in processes.values():
        if not process.is_gone:
            found[process.ppid].append(process)
    return found
