"""What /proc says of the processes of this machine: who they are, whose they are, what they descend from.

Reading only; signals are in `host.signals`. Standard library only, and light: the session shim runs it.
/proc is a racing picture: a fact about a pid holds for an identity only when the identity was read before it
and still holds after it, which is how every caller uses it.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple


class Identity(NamedTuple):
    """One process for as long as the machine is up; a pid alone is reused, and wall-clock times shift."""

    boot_id: str
    pid_ns: str
    pid: int
    start_ticks: int

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Identity:
        """Read back what `_asdict()` gave; raises KeyError, TypeError or ValueError when it is not that."""
        return cls(
            str(record["boot_id"]), str(record["pid_ns"]), int(record["pid"]), int(record["start_ticks"])
        )


class Process(NamedTuple):
    """One line of /proc/PID/stat, as far as it is of use."""

    pid: int
    comm: str
    state: str
    ppid: int
    pgrp: int
    session: int
    threads: int
    start_ticks: int
    cpu_ticks: int = 0
    rss_pages: int = 0

    @property
    def alive(self) -> bool:
        """Say whether it still runs code: a zombie does not, unless it is a dead leader of living threads."""
        return self.state not in "ZXx" or self.threads > 1


def parse_stat(text: str) -> Process:
    """Parse /proc/PID/stat from its last ')': a command name may hold spaces, brackets and digits.

    Raises ValueError or IndexError when the text is cut off.
    """
    head, _, tail = text.rpartition(")")
    pid, _, comm = head.partition(" (")
    fields = tail.split()
    return Process(
        pid=int(pid),
        comm=comm,
        state=fields[0],
        ppid=int(fields[1]),
        pgrp=int(fields[2]),
        session=int(fields[3]),
        threads=int(fields[17]),
        start_ticks=int(fields[19]),
        cpu_ticks=int(fields[11]) + int(fields[12]),
        rss_pages=int(fields[21]),
    )


class ProcReader:
    """Read one /proc; what has vanished or may not be read is None, never a guess."""

    def __init__(self, root: Path = Path("/proc")) -> None:
        self.root = root

    @cached_property
    def boot_id(self) -> str:
        return (self.root / "sys/kernel/random/boot_id").read_text().strip()

    @cached_property
    def pid_ns(self) -> str:
        """The pid namespace of the reader: the one in which the pids of this /proc mean something."""
        return str((self.root / "self/ns/pid").readlink())

    def pids(self) -> list[int]:
        return [int(name) for name in os.listdir(self.root) if name.isdigit()]  # noqa: PTH208 - half the cost

    def process(self, pid: int) -> Process | None:
        data = self._read(pid, "stat")
        if data is None:
            return None
        try:
            return parse_stat(data.decode(errors="replace"))
        except (ValueError, IndexError):
            return None

    def table(self) -> dict[int, Process]:
        """Read every process once; entries are of slightly different moments."""
        read = (self.process(pid) for pid in self.pids())
        return {process.pid: process for process in read if process is not None}

    def identify(self, process: Process) -> Identity:
        return Identity(self.boot_id, self.pid_ns, process.pid, process.start_ticks)

    def identity(self, pid: int) -> Identity | None:
        process = self.process(pid)
        return None if process is None else self.identify(process)

    def same(self, identity: Identity) -> Process | None:
        """Give the process if it is still the very one that `identity` names, zombie or not."""
        if (identity.boot_id, identity.pid_ns) != (self.boot_id, self.pid_ns):
            return None
        process = self.process(identity.pid)
        return process if process is not None and process.start_ticks == identity.start_ticks else None

    def alive(self, identity: Identity) -> bool:
        process = self.same(identity)
        return process is not None and process.alive

    def uid(self, pid: int) -> int | None:
        """Give the real uid; running a set-uid program does not change it."""
        data = self._read(pid, "status")
        for line in (data or b"").splitlines():
            if line.startswith(b"Uid:"):
                return int(line.split()[1])
        return None

    def has_variable(self, pid: int, name: str, value: str) -> bool | None:
        """Say whether it was started with `name=value`; None where its environment cannot be read."""
        data = self._read(pid, "environ")
        return None if data is None else f"{name}={value}".encode() in data.split(b"\0")

    def environment(self, pid: int) -> dict[str, str] | None:
        """Give what it was started with; None where that cannot be read."""
        data = self._read(pid, "environ")
        if data is None:
            return None
        pairs = (os.fsdecode(entry).partition("=") for entry in data.split(b"\0") if b"=" in entry)
        return {name: value for name, _, value in pairs}

    def command_line(self, pid: int) -> list[str] | None:
        """Give its arguments, as everybody may read them."""
        data = self._read(pid, "cmdline")
        return None if data is None else [os.fsdecode(word) for word in data.split(b"\0")[:-1]]

    def cgroup(self, pid: int) -> str | None:
        """Give the path in the cgroup v2 hierarchy, as seen from the reader's cgroup namespace."""
        data = self._read(pid, "cgroup")
        for line in (data or b"").splitlines():
            if line.startswith(b"0::"):
                return os.fsdecode(line[3:])
        return None

    def executable(self, pid: int) -> str | None:
        return self._link(pid, "exe")

    def working_directory(self, pid: int) -> Path | None:
        place = self._link(pid, "cwd")
        return None if place is None else Path(place)

    def namespace(self, pid: int) -> str | None:
        """Give the process' own pid namespace, e.g. `pid:[4026531836]`."""
        return self._link(pid, "ns/pid")

    def ancestors(self, pid: int) -> set[int]:
        """Give the pids above `pid`, up to init."""
        found: set[int] = set()
        process = self.process(pid)
        while process is not None and process.ppid > 0 and process.ppid not in found:
            found.add(process.ppid)
            process = self.process(process.ppid)
        return found

    def _read(self, pid: int, name: str) -> bytes | None:
        try:
            return (self.root / str(pid) / name).read_bytes()
        except OSError:
            return None

    def _link(self, pid: int, name: str) -> str | None:
        try:
            return str((self.root / str(pid) / name).readlink())
        except OSError:
            return None


def descendants(
    table: Mapping[int, Process], roots: Iterable[int], confirmed: Callable[[Process], bool] = lambda _: True
) -> set[int]:
    """Give the pids below `roots` in a table, the roots themselves left out.

    A pid may pass to another process while a table is read, which would lend its children to the wrong
    parent: `confirmed` is asked whether a parent still is who the table says, and nothing below a doubtful
    one counts.
    """
    children: defaultdict[int, list[int]] = defaultdict(list)
    for process in table.values():
        children[process.ppid].append(process.pid)
    tops = set(roots)
    found: set[int] = set()
    pending = list(tops)
    while pending:
        parent = pending.pop()
        if not children[parent] or parent not in table or not confirmed(table[parent]):
            continue
        below = [pid for pid in children[parent] if pid not in found and pid not in tops]
        found.update(below)
        pending.extend(below)
    return found
