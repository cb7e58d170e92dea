"""The processes of a session as samples show them: whether they work, and which outlive what began them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from watchkeeper.domain.sessions.facts import ProcessSample, SeenProcess

BUSY_CHILD, BUSY_AGENT = 0.05, 0.2
"""Parts of a core from which on a child, or the agent itself, is at work; an idle agent uses less than a hundredth."""

RUNAWAY = 0.8
INIT = 1


@dataclass(slots=True)
class ProcessesSeen:
    """What the samples showed. `busy_at` is when work was last seen, `gone_at` since when nothing of it lives."""

    root: int | None = None
    sampled_at: float | None = None
    last: tuple[SeenProcess, ...] = ()
    sockets: int | None = None
    busy_at: float | None = None
    gone_at: float | None = None
    runaways: dict[int, float] = field(default_factory=dict)

    @property
    def is_told(self) -> bool:
        """Say whether anything was told of a process; whoever does tells of its end too."""
        return self.root is not None or self.sampled_at is not None

    def take_start(self, pid: int) -> None:
        self.root, self.last, self.sampled_at, self.gone_at = pid, (), None, None

    def take_sample(self, at: float, sample: ProcessSample) -> None:
        """Take in a sample; CPU is what was used since the one before."""
        living = tuple(one for one in sample.processes if not one.state.upper().startswith(("Z", "X")))
        before = {one.pid: one for one in self.last}
        passed = at - self.sampled_at if self.sampled_at is not None else 0.0
        self._note_runaways(at, living, before, passed)
        if passed > 0 and any(self._is_busy(one, before.get(one.pid), passed) for one in living):
            self.busy_at = at
        self.gone_at = None if living else (self.gone_at if self.gone_at is not None else at)
        self.last, self.sampled_at, self.sockets = living, at, sample.sockets

    def has_double(self, threads: Iterable[str]) -> bool:
        """Say whether another process of the same program, no kin of the agent's, has one of its threads."""
        by_pid = {one.pid: one for one in self.last}
        root = by_pid.get(self.root or 0)
        if root is None or not root.command:
            return False
        above = _line(root, by_pid)
        program = root.command.split()[:1]
        others = (one for one in self.last if one.pid not in above and one.command.split()[:1] == program)
        return any(
            root.pid not in _line(one, by_pid) and not set(threads).isdisjoint(one.command.split())
            for one in others
        )

    def _is_busy(self, one: SeenProcess, before: SeenProcess | None, passed: float) -> bool:
        used = one.cpu_seconds - (before.cpu_seconds if before is not None else 0.0)
        return used / passed >= (BUSY_AGENT if one.pid == self.root else BUSY_CHILD)

    def _note_runaways(
        self, at: float, living: tuple[SeenProcess, ...], before: dict[int, SeenProcess], passed: float
    ) -> None:
        """Note whose parent is gone and who uses a core all the same, each since when."""
        found = {
            one.pid
            for one in living
            if one.ppid == INIT and one.pid != self.root and one.pid in before and passed > 0
            if (one.cpu_seconds - before[one.pid].cpu_seconds) / passed >= RUNAWAY
        }
        self.runaways = {pid: self.runaways.get(pid, at - passed) for pid in found}


def _line(one: SeenProcess, by_pid: Mapping[int, SeenProcess]) -> set[int]:
    """Give a process and those that it descends from, as far as they were seen."""
    found: set[int] = set()
    while one.pid not in found:
        found.add(one.pid)
        one = by_pid.get(one.ppid, one)
    return found
