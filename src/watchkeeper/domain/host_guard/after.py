"""What must hold after an act: targets gone, bystanders alive, CPU down. No data is failure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from watchkeeper.domain.host_guard.evidence import Judgement, Lane
from watchkeeper.domain.host_guard.grouping import Group
from watchkeeper.domain.host_guard.ledger import Ledger
from watchkeeper.domain.host_guard.packet import HOT_CORES
from watchkeeper.domain.host_guard.plan import Process
from watchkeeper.domain.host_guard.seen import Attempt, Key, Scan

MOST_KEPT = 200
"""So many members and bystanders are kept: a group of more is a fork bomb, and its root tells enough."""


class Outcome(StrEnum):
    """What an act came to. `superseded`: nothing was sent, since nothing was there any more to be sent to."""

    VERIFIED = "verified"
    INEFFECTIVE = "ineffective"
    HARMFUL = "harmful"
    NO_DATA = "no_data"
    SUPERSEDED = "superseded"


_WORST_FIRST = (Outcome.HARMFUL, Outcome.NO_DATA, Outcome.INEFFECTIVE, Outcome.VERIFIED)


@dataclass(frozen=True, slots=True)
class Bystander:
    """The root of a group that is left alone. `attempt` is the session that it works for, where it has one."""

    key: Key
    name: str
    attempt: Attempt | None


@dataclass(frozen=True, slots=True)
class Watched:
    """A host as it was right before the act; `spent` are the CPU seconds of those that should go."""

    boot_id: str
    pid_ns: str
    uptime: float
    targets: tuple[Key, ...]
    spent: Mapping[Key, float]
    bystanders: tuple[Bystander, ...]
    program: str
    attempts: frozenset[Attempt]

    @classmethod
    def before(
        cls, targets: Sequence[Process], scan: Scan, judged: Sequence[tuple[Group, Judgement]]
    ) -> Watched:
        """Keep of a scan what is compared with later ones."""
        keys = {Key(each.pid, each.start_ticks) for each in targets}
        ours = [group for group, _ in judged if group.root.key in keys]
        members = [member for group in ours for member in group.members][:MOST_KEPT]
        attempts = {one.attempt for group in ours for one in group.members if one.attempt is not None}
        attempts |= {
            said.attempt for group, said in judged if group.root.key in keys and said.attempt is not None
        }
        others = [
            Bystander(group.root.key, group.root.comm, group.root.attempt or said.attempt)
            for group, said in judged
            if group.root.key not in keys
        ]
        return cls(
            scan.boot_id,
            scan.pid_ns,
            scan.uptime,
            tuple(sorted(keys)),
            {member.key: member.cpu_seconds for member in members},
            tuple(others[:MOST_KEPT]),
            ours[0].root.comm if ours else "",
            frozenset(attempts),
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "boot_id": self.boot_id,
            "pid_ns": self.pid_ns,
            "uptime": self.uptime,
            "targets": [list(key) for key in self.targets],
            "spent": [[*key, seconds] for key, seconds in self.spent.items()],
            "bystanders": [[*one.key, one.name, _told(one.attempt)] for one in self.bystanders],
            "program": self.program,
            "attempts": sorted(filter(None, map(_told, self.attempts))),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Watched:
        return cls(
            data["boot_id"],
            data["pid_ns"],
            data["uptime"],
            tuple(Key(*key) for key in data["targets"]),
            {Key(pid, ticks): seconds for pid, ticks, seconds in data["spent"]},
            tuple(
                Bystander(Key(pid, ticks), name, _attempt(attempt))
                for pid, ticks, name, attempt in data["bystanders"]
            ),
            data["program"],
            frozenset(found for each in data["attempts"] if (found := _attempt(each)) is not None),
        )


@dataclass(frozen=True, slots=True)
class Check:
    """What one look came to; `facts` are numbers and words for a person."""

    outcome: Outcome
    facts: Mapping[str, Any]


def check(watched: Watched, scan: Scan, judged: Sequence[tuple[Group, Judgement]], ledger: Ledger) -> Check:
    """Compare a scan with what stood before the act."""
    if (watched.boot_id, watched.pid_ns) != (scan.boot_id, scan.pid_ns):
        return Check(Outcome.NO_DATA, {"why": "the host was started anew: nothing can be compared"})
    left = [key.pid for key in watched.targets if _lives(key, scan)]
    gone = [one for one in watched.bystanders if not _lives(one.key, scan) and not _over(one.attempt, ledger)]
    back = [group.root.key.pid for group, said in judged if _is_back(group, said, watched)]
    cores = _cores(watched, scan)
    facts = {
        "targets_left": left,
        "bystanders": len(watched.bystanders),
        "bystanders_gone": [{"pid": one.key.pid, "name": one.name} for one in gone],
        "cores": cores,
        "came_back": back,
        "load5_per_core": round(scan.load.load5 / scan.load.cores, 2),
    }
    if gone:
        return Check(Outcome.HARMFUL, facts)
    is_down = cores < HOT_CORES
    return Check(Outcome.VERIFIED if is_down and not left and not back else Outcome.INEFFECTIVE, facts)


def outcome_of(checks: Sequence[Outcome]) -> Outcome:
    """Give what an act came to, by all looks after it: the worst of them; none at all is no data."""
    return next((each for each in _WORST_FIRST if each in checks), Outcome.NO_DATA)


def _lives(key: Key, scan: Scan) -> bool:
    seen = scan.processes.get(key.pid)
    return seen is not None and seen.key == key and not seen.is_gone


def _over(attempt: Attempt | None, ledger: Ledger) -> bool:
    """Say whether a bystander may have ended by itself: with its session, of which the server knows the end."""
    standing = None if attempt is None else ledger.attempts.get(attempt)
    return standing is not None and not standing.is_live


def _is_back(group: Group, said: Judgement, watched: Watched) -> bool:
    """Say whether the same program is left over again from the same session, under a new process."""
    return (
        said.lane is Lane.ORPHAN
        and group.root.key not in watched.spent
        and group.root.comm == watched.program
        and said.attempt in watched.attempts
    )


def _cores(watched: Watched, scan: Scan) -> float:
    """Give the cores that what should have gone took since the act."""
    seconds = max(scan.uptime - watched.uptime, 1.0)
    used = sum(
        max(0.0, scan.processes[key.pid].cpu_seconds - before)
        for key, before in watched.spent.items()
        if _lives(key, scan)
    )
    return round(used / seconds, 2)


def _told(attempt: Attempt | None) -> list[Any] | None:
    return None if attempt is None else [attempt.project, str(attempt.job), attempt.number]


def _attempt(told: Sequence[Any] | None) -> Attempt | None:
    return None if told is None else Attempt(told[0], UUID(told[1]), told[2])
