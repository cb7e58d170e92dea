"""One scan of a /proc: every process shortly, those of interest in full; what could not be read is said so.

Reading only, with the standard library only. The root is an argument, so that a picture of another machine can be read.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from uuid import UUID

from watchkeeper.domain.host_guard.families import CI_VARIABLES, is_of_interest
from watchkeeper.domain.host_guard.seen import Attempt, Key, Load, Scan, Seen
from watchkeeper.host.processes import ProcReader, parse_stat

MARK, PROJECT = "WATCHKEEPER_SESSION", "WATCHKEEPER_PROJECT_ID"
JOB, NUMBER = "WATCHKEEPER_JOB_ID", "WATCHKEEPER_ATTEMPT"
MOST_WORDS, MOST_CHARS = 200, 4096
CHUNK, MOST_BYTES = 65_536, 4 * 1024 * 1024
_NAMES = {name.encode(): name for name in (*CI_VARIABLES, MARK, PROJECT, JOB, NUMBER)}


class ScanError(Exception):
    """A /proc could not be read at all; the text says why."""


class HostScanner:
    """Scans one /proc. `hot_seconds`: whoever has used more CPU than that is read in full, whatever it is called."""

    def __init__(self, root: Path = Path("/proc"), hot_seconds: float = 60.0) -> None:
        self._reader = ProcReader(root)
        self._root = str(root)
        self._ticks = os.sysconf("SC_CLK_TCK")
        self._hot_seconds = hot_seconds

    def scan(self, now: float) -> Scan:
        """Read everything once; `now` is Unix time. Raises ScanError where this is no /proc."""
        began = time.monotonic()
        try:
            boot_id, pid_ns, uptime = self._reader.boot_id, self._reader.pid_ns, self._uptime()
            pids = self._reader.pids()
        except (OSError, ValueError, IndexError) as error:
            raise ScanError(f"{self._root} cannot be read as a /proc: {error}") from error
        booted_at = now - uptime
        read = [seen for pid in pids if (seen := self._seen(pid, booted_at, pid_ns)) is not None]
        return Scan(
            boot_id,
            pid_ns,
            now,
            uptime,
            time.monotonic() - began,
            self._load(),
            {seen.key.pid: seen for seen in read},
            sum(seen.unreadable for seen in read),
        )

    def _seen(self, pid: int, booted_at: float, pid_ns: str) -> Seen | None:
        """Read one process; None where it has gone, or became another one meanwhile."""
        data = self._bytes(pid, "stat")
        if data is None:
            return None
        try:
            text = data.decode(errors="replace")
            process = parse_stat(text)
            terminal = int(text.rpartition(")")[2].split()[4])
            owner = os.stat(f"{self._root}/{pid}").st_uid  # noqa: PTH116 - thousands of them
        except (OSError, ValueError, IndexError):
            return None
        seconds = process.cpu_ticks / self._ticks
        short = Seen(
            Key(pid, process.start_ticks),
            process.ppid,
            process.pgrp,
            process.session,
            process.comm,
            process.state,
            owner,
            seconds,
            booted_at + process.start_ticks / self._ticks,
            has_terminal=terminal != 0,
        )
        if short.is_gone or not (is_of_interest(process.comm) or seconds >= self._hot_seconds):
            return short
        return self._in_full(short, pid_ns)

    def _in_full(self, short: Seen, pid_ns: str) -> Seen | None:
        pid = short.key.pid
        command, environment = self._bytes(pid, "cmdline"), self._bytes(pid, "environ")
        cgroup, namespace = self._bytes(pid, "cgroup"), self._link(pid, "ns/pid")
        again = self._bytes(pid, "stat")
        if again is None or _start_ticks(again) != short.key.start_ticks:
            return None  # the pid passed to another process while it was read
        if command == b"":
            return short  # a kernel thread, or on its way out: there is nothing to be known of it
        started_with = _wanted(environment or b"")
        return replace(
            short,
            command=None if command is None else _words(command),
            cgroup=None if cgroup is None else _unified(cgroup),
            ci_variables=CI_VARIABLES & started_with.keys(),
            attempt=_attempt(started_with),
            foreign_namespace=namespace is not None and namespace != pid_ns,
            unreadable=command is None or environment is None,
        )

    def _uptime(self) -> float:
        return float(Path(self._root, "uptime").read_text().split()[0])

    def _load(self) -> Load:
        """Read the machine's load; raises ScanError where that cannot be."""
        try:
            load5 = float(Path(self._root, "loadavg").read_text().split()[1])
            memory = _meminfo(Path(self._root, "meminfo").read_text())
            cores = sum(
                line.startswith("cpu") and line[3:4].isdigit()
                for line in Path(self._root, "stat").read_text().splitlines()
            )
        except (OSError, ValueError, IndexError) as error:
            raise ScanError(f"the load in {self._root} cannot be read: {error}") from error
        total = memory.get("SwapTotal", 0)
        used = None if not total else 1 - memory.get("SwapFree", 0) / total
        return Load(max(1, cores), load5, used)

    def _bytes(self, pid: int, name: str) -> bytes | None:
        """Read a file without the layers of a file object: there are tens of thousands of them in a scan."""
        try:
            descriptor = os.open(f"{self._root}/{pid}/{name}", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            data = more = os.read(descriptor, CHUNK)
            while len(more) == CHUNK and len(data) < MOST_BYTES:
                more = os.read(descriptor, CHUNK)
                data += more
        except OSError:
            return None
        finally:
            os.close(descriptor)
        return data

    def _link(self, pid: int, name: str) -> str | None:
        try:
            return os.readlink(f"{self._root}/{pid}/{name}")  # noqa: PTH115 - tens of thousands of them
        except OSError:
            return None


def _start_ticks(stat: bytes) -> int | None:
    fields = stat.rpartition(b")")[2].split(None, 20)
    return int(fields[19]) if len(fields) > 19 and fields[19].isdigit() else None


def _words(command: bytes) -> tuple[str, ...]:
    words = command[: MOST_WORDS * MOST_CHARS].split(b"\0")[:-1][:MOST_WORDS]
    return tuple(os.fsdecode(word[:MOST_CHARS]) for word in words)


def _unified(cgroup: bytes) -> str | None:
    """Give the path in the cgroup v2 hierarchy."""
    line = next((line for line in cgroup.splitlines() if line.startswith(b"0::")), None)
    return None if line is None else os.fsdecode(line[3:])


def _wanted(environment: bytes) -> dict[str, str]:
    """Give those variables that say whose a process is; the rest of an environment is nobody's business."""
    pairs = (entry.partition(b"=") for entry in environment.split(b"\0"))
    return {_NAMES[name]: os.fsdecode(value) for name, _, value in pairs if name in _NAMES}


def _attempt(environment: Mapping[str, str]) -> Attempt | None:
    if MARK not in environment:
        return None
    try:
        return Attempt(environment[PROJECT], UUID(environment[JOB]), int(environment[NUMBER]))
    except (KeyError, ValueError):
        return None


def _meminfo(text: str) -> dict[str, int]:
    pairs = (line.partition(":") for line in text.splitlines())
    return {name: int(rest.split()[0]) for name, _, rest in pairs if rest.split()[:1]}
