"""Whose a group is, and how well that is proven. Orphans are proven by their session's end, never by parent 1 alone."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from watchkeeper.domain.host_guard.families import Family, ci_marks
from watchkeeper.domain.host_guard.grouping import Group
from watchkeeper.domain.host_guard.ledger import Ledger
from watchkeeper.domain.host_guard.seen import Attempt, Scan, Seen

ENDING_SECONDS = 120.0
"""A session that just ended may still be swept by its own shim."""

OLD_SECONDS = 900.0
"""What was left to init for less than this may be starting or ending."""

ADOPTERS = frozenset(
    {"init", "systemd", "tini", "dumb-init", "catatonit", "containerd-shim", "conmon", "s6-svscan"}
)
"""Programs that orphans are given to, beside pid 1."""


class Lane(StrEnum):
    """`orphan` is proven; `unproven` only looks like one, and is reported; `unknown` could not be told."""

    ORPHAN = "orphan"
    CI = "ci"
    OWNED = "owned"
    UNPROVEN = "unproven"
    UNKNOWN = "unknown"
    NONE = "none"


class Level(StrEnum):
    """A: the mark of a session whose lease ended. B: recorded at the start of one. C: left behind, old, of a family.
    D: parent 1 alone. Only A and B are proof.
    """

    A = "A"
    B = "B"
    C = "C"
    D = "D"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Judgement:
    """`because` are facts, in words for a person; `ended_at` is the Unix time of the session's end."""

    lane: Lane
    level: Level
    because: tuple[str, ...]
    attempt: Attempt | None = None
    ended_at: float | None = None


def judge(
    group: Group, scan: Scan, ledger: Ledger | None, ending_seconds: float = ENDING_SECONDS
) -> Judgement:
    """Say whose a group is. Without a ledger that is fresh nothing that is marked can be told.

    A session that ended less than `ending_seconds` ago counts as its owner still.
    """
    if marks := _ci(group, scan):
        return Judgement(Lane.CI, Level.NONE, marks)
    if hidden := _hidden(group):
        return Judgement(Lane.UNKNOWN, Level.NONE, hidden)
    known = None if ledger is None or ledger.is_stale(scan.at) else ledger
    marked = [member for member in group.members if member.attempt is not None]
    recorded = None if known is None else known.recorded(scan, group.root)
    if marked or recorded is not None:
        return _of_session(group, scan, known, recorded, ending_seconds)
    return _of_nobody(group, scan)


def _of_session(
    group: Group, scan: Scan, ledger: Ledger | None, recorded: Attempt | None, ending_seconds: float
) -> Judgement:
    attempts = {member.attempt for member in group.members if member.attempt is not None}
    attempt = group.root.attempt or recorded
    if ledger is None:
        return Judgement(
            Lane.UNKNOWN, Level.NONE, ("the server's word on sessions is old or missing",), attempt
        )
    for one in attempts | ({recorded} if recorded is not None else set()):
        standing = ledger.attempts.get(one)
        if standing is None:
            return Judgement(
                Lane.UNKNOWN, Level.NONE, (f"attempt {one.number} at {one.job} is not known here",), one
            )
        if standing.is_live:
            return Judgement(
                Lane.OWNED, Level.NONE, (f"attempt {one.number} at {one.job} is under way",), one
            )
        if standing.ended_at is None or scan.at - standing.ended_at < ending_seconds:
            return Judgement(
                Lane.OWNED, Level.NONE, ("its session has only just ended",), one, standing.ended_at
            )
    if attempt is None:
        return Judgement(Lane.UNKNOWN, Level.NONE, ("its root carries no mark, what is below it does",))
    ended_at = ledger.attempts[attempt].ended_at
    level = Level.A if group.root.attempt is not None else Level.B
    proof = "it carries the mark of" if level is Level.A else "it was recorded at the start of"
    because = f"{proof} attempt {attempt.number} at {attempt.job}, which ended"
    return Judgement(Lane.ORPHAN, level, (because,), attempt, ended_at)


def _of_nobody(group: Group, scan: Scan) -> Judgement:
    root = group.root
    if root.has_terminal:
        return Judgement(Lane.NONE, Level.NONE, ("it has a terminal",))
    if not _was_given_away(root, scan):
        return Judgement(Lane.NONE, Level.NONE, ("its parent lives",))
    is_old = scan.at - root.started_at >= OLD_SECONDS
    if group.family is not Family.OTHER and is_old and _leader_is_gone(root, scan):
        return Judgement(Lane.UNPROVEN, Level.C, ("its session's leader is gone, and it was left behind",))
    return Judgement(Lane.UNPROVEN, Level.D, ("it was left behind; nothing more speaks for an orphan",))


def _was_given_away(root: Seen, scan: Scan) -> bool:
    parent = scan.processes.get(root.ppid)
    return root.ppid <= 1 or parent is None or parent.comm in ADOPTERS


def _leader_is_gone(root: Seen, scan: Scan) -> bool:
    if root.session == root.key.pid:
        return True  # it leads the session itself: whoever started it is not to be seen
    leader = scan.processes.get(root.session)
    return leader is None or leader.is_gone or leader.key.start_ticks > root.key.start_ticks


def _ci(group: Group, scan: Scan) -> tuple[str, ...]:
    """Name the marks of CI on a group or above it: then it is never an orphan."""
    everybody = [*group.members, *scan.ancestors(group.root.key.pid)]
    return tuple(dict.fromkeys(mark for process in everybody for mark in ci_marks(process)))


def _hidden(group: Group) -> tuple[str, ...]:
    if any(member.foreign_namespace for member in group.members):
        return ("a member is of another pid namespace",)
    if any(member.unreadable for member in group.members):
        return ("a member could not be read",)
    return ()
