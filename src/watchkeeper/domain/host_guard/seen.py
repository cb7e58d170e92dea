"""What one scan says of a machine: its processes, as far as they could be read, and its load."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID


class Attempt(NamedTuple):
    """One attempt at a job, as the environment of its session's processes names it."""

    project: str
    job: UUID
    number: int


class Key(NamedTuple):
    """A process for as long as a boot lasts: a pid alone is reused."""

    pid: int
    start_ticks: int


@dataclass(frozen=True, slots=True)
class Seen:
    """One process. `uid` is the owner of its entry in /proc.

    What only some processes are asked for is None where it was not asked for or could not be read; `unreadable` tells
    the two apart. `ci_variables` are names of what it was started with by which CI marks its own, never the values.
    """

    key: Key
    ppid: int
    pgrp: int
    session: int
    comm: str
    state: str
    uid: int
    cpu_seconds: float
    started_at: float
    has_terminal: bool = False
    command: tuple[str, ...] | None = None
    cgroup: str | None = None
    ci_variables: frozenset[str] = frozenset()
    attempt: Attempt | None = None
    foreign_namespace: bool = False
    unreadable: bool = False

    @property
    def is_gone(self) -> bool:
        """Say whether it only waits to be reaped."""
        return self.state in "ZXx"


@dataclass(frozen=True, slots=True)
class Load:
    """How much a machine has to do. `swap_used` is a share, None where there is no swap to use."""

    cores: int
    load5: float
    swap_used: float | None


@dataclass(frozen=True, slots=True)
class Scan:
    """All of it. `at` is Unix time, `uptime` the seconds since the boot; `unreadable` counts what could not be read."""

    boot_id: str
    pid_ns: str
    at: float
    uptime: float
    seconds: float
    load: Load
    processes: Mapping[int, Seen] = field(default_factory=dict)
    unreadable: int = 0

    def ancestors(self, pid: int) -> list[Seen]:
        """Give what stands above a process, the nearest first, up to what is not in the picture."""
        found: list[Seen] = []
        known = {pid}
        process = self.processes.get(pid)
        while process is not None and process.ppid not in known:
            known.add(process.ppid)
            process = self.processes.get(process.ppid)
            if process is not None:
                found.append(process)
        return found
