"""Which processes are proven to be one session's own, and which only look like it.

Proof is one of: member of the session's scope, descendant of its shim or of a proven process, or the
session's random marker in the environment with the same user and pid namespace. Nothing else is touched;
what carries the marker without the rest, and shared daemons, are reported. Standard library only: the
session shim runs it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from watchkeeper.agents.records import MARKER
from watchkeeper.agents.scope import Scope
from watchkeeper.host.processes import Identity, Process, ProcReader, descendants


class Proof(NamedTuple):
    """What makes a process the session's own.

    `roots` are processes whose descendants are, without being it themselves (the shim); `known` are, with all
    their descendants (the agent). `shared` names daemons by executable: a path, or a file name.
    """

    marker: str
    uid: int
    scope: Scope | None = None
    roots: tuple[Identity, ...] = ()
    known: tuple[Identity, ...] = ()
    shared: tuple[str, ...] = ()
    since_ticks: int = 0


class Stray(NamedTuple):
    identity: Identity
    name: str
    why: str

    def record(self) -> dict[str, Any]:
        return {
            "pid": self.identity.pid,
            "start_ticks": self.identity.start_ticks,
            "name": self.name,
            "why": self.why,
        }


class Found(NamedTuple):
    own: tuple[Stray, ...]
    reported: tuple[Stray, ...]


def find(proof: Proof, reader: ProcReader) -> Found:
    """Look once through the whole table; a process that forks meanwhile may need a second look."""
    table = reader.table()
    why = _direct(proof, reader, table)
    reported = _marked(proof, reader, table, why)
    shared = {pid for pid in why if _is_shared(proof, reader, pid)}

    def confirmed(process: Process) -> bool:
        return reader.same(reader.identify(process)) is not None

    spared = shared | descendants(table, shared, confirmed)
    roots = [identity.pid for identity in proof.roots if reader.same(identity)]
    for pid in descendants(table, {*why, *roots} - spared, confirmed):
        if pid not in why and _is_shared(proof, reader, pid):
            spared |= {pid} | descendants(table, [pid], confirmed)
        why.setdefault(pid, "descendant")
    reported |= {pid: "shared daemon" for pid in spared if pid in why}
    untouchable = {1, *roots, *reported} | _above(reader)
    own = {pid: reason for pid, reason in why.items() if pid not in untouchable}
    return Found(_strays(reader, table, own), _strays(reader, table, reported))


def _above(reader: ProcReader) -> set[int]:
    """Give the reader's own process and those above it."""
    own = int(str((reader.root / "self").readlink()))
    return {own} | reader.ancestors(own)


def _direct(proof: Proof, reader: ProcReader, table: dict[int, Process]) -> dict[int, str]:
    """Give what needs no family tree: members of the scope and processes whose identity was recorded."""
    members = proof.scope.members() if proof.scope is not None else set()
    why = {pid: "scope" for pid in members if pid in table}
    why |= {identity.pid: "recorded" for identity in proof.known if reader.same(identity) is not None}
    return why


def _marked(
    proof: Proof, reader: ProcReader, table: dict[int, Process], why: dict[int, str]
) -> dict[int, str]:
    """Add to `why` what carries the marker for this user and namespace; give what has it without those."""
    doubtful: dict[int, str] = {}
    for pid, process in table.items():
        if pid in why or process.start_ticks < proof.since_ticks or not process.alive:
            continue
        if not reader.has_variable(pid, MARKER, proof.marker):
            continue
        if reader.uid(pid) != proof.uid:
            doubtful[pid] = "marker, another user"
        elif reader.namespace(pid) != reader.pid_ns:
            doubtful[pid] = "marker, another pid namespace"
        else:
            why[pid] = "marker"
    return doubtful


def _is_shared(proof: Proof, reader: ProcReader, pid: int) -> bool:
    """Say whether it is a shared daemon of the list.

    A mere file name counts only for a program that the agent's user does not own: else a process could
    escape the sweep by taking a daemon's name. (As one's own user there is no such line to draw.)
    """
    executable = reader.executable(pid) if proof.shared else None
    if executable is None:
        return False
    if executable in proof.shared:
        return True
    if Path(executable).name not in proof.shared:
        return False
    own = int((reader.root / "self").stat().st_uid)
    try:
        return proof.uid == own or Path(executable).stat().st_uid != proof.uid
    except OSError:
        return False


def _strays(reader: ProcReader, table: dict[int, Process], why: dict[int, str]) -> tuple[Stray, ...]:
    return tuple(
        Stray(reader.identify(table[pid]), table[pid].comm, reason)
        for pid, reason in sorted(why.items())
        if pid in table and table[pid].alive
    )
