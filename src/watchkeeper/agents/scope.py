"""A cgroup v2 scope for one session: made, limited, killed and removed; None where no scope can be made.

Layout: `<cgroup2 mount>/watchkeeper/<home hash>/<session>/{shim,agent}`. The shim stands beside the agent,
so that `cgroup.kill` of the agent's part spares the witness. Standard library only: the session shim runs
it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

CPU_PERIOD_MICROSECONDS = 100_000


class Limits(NamedTuple):
    """What a session may use; None is no limit. Holds only where the controller is on cgroup v2."""

    memory_bytes: int | None = None
    cpu_cores: float | None = None
    processes: int | None = None


NO_LIMITS = Limits()


class Scope(NamedTuple):
    path: Path

    @property
    def agent(self) -> Path:
        return self.path / "agent"

    @property
    def shim(self) -> Path:
        return self.path / "shim"

    @property
    def exists(self) -> bool:
        return self.agent.is_dir()

    def members(self) -> set[int]:
        """Give the pids of the agent's part and of what the agent made below it; zombies are not listed."""
        return {pid for directory in _tree(self.agent) for pid in _pids(directory)}

    def holds(self, cgroup: str | None) -> bool:
        """Say whether a path out of /proc/PID/cgroup lies in the agent's part."""
        inner = str(Path(self.path.parent.parent.name, self.path.parent.name, self.path.name, "agent"))
        return cgroup is not None and f"/{inner}/" in f"{cgroup}/"

    def populated(self) -> bool:
        """Say whether a live process is in the agent's part: the kernel's own word."""
        try:
            return "populated 1" in (self.agent / "cgroup.events").read_text()
        except OSError:
            return False

    def kill(self) -> bool:
        """Kill every member at once; False where the kernel (before 5.14) has no cgroup.kill."""
        try:
            (self.agent / "cgroup.kill").write_text("1")
        except OSError:
            return False
        return True

    def oom_kills(self) -> int | None:
        """Give how many processes the kernel killed for the memory limit; None without the controller."""
        try:
            text = (self.agent / "memory.events").read_text()
        except OSError:
            return None
        return int(dict(line.split() for line in text.splitlines()).get("oom_kill", "0"))

    def remove(self) -> bool:
        """Remove the scope if nothing lives in it; False when it has to stay for now."""
        for directory in (*_tree(self.agent), self.shim, self.path):
            with suppress(OSError):  # busy or gone already: the answer below tells which
                directory.rmdir()
        return not self.path.exists()


def join(part: Path, pid: int = 0) -> None:
    """Move a process (0: the caller) into a scope's part; raises OSError."""
    (part / "cgroup.procs").write_text(str(pid))


def make(home: Path, session: str, limits: Limits = NO_LIMITS) -> tuple[Scope | None, tuple[str, ...]]:
    """Make the scope of a session; give it and the names of the limits that hold.

    (None, ()) where no cgroup v2 is writable: not root, a container with a read-only tree, an old kernel.
    """
    for base in bases():
        scope = Scope(base / home_hash(home) / session)
        try:
            _make_below(scope.agent)
            scope.shim.mkdir()
            if not os.access(scope.agent / "cgroup.procs", os.W_OK):
                raise PermissionError(scope.agent)
        except OSError:
            scope.remove()
            continue
        return scope, _limit(base, scope, limits)
    return None, ()


def _make_below(directory: Path) -> None:
    """Make a directory and those above it, though another process may remove those while they are empty."""
    for _ in range(10):
        with suppress(FileNotFoundError):
            return directory.mkdir(parents=True)
    return directory.mkdir(parents=True)


def remove_empty_homes(places: Iterable[Path] | None = None) -> int:
    """Remove the directories of homes, this one's or another's, in which no session is; give how many went."""
    gone = 0
    for base in bases() if places is None else places:
        for directory in _below(base):
            with suppress(OSError):  # sessions are in it, or another process was faster
                directory.rmdir()
                gone += 1
    return gone


def home_hash(home: Path) -> str:
    return hashlib.sha256(os.fsencode(home.resolve())).hexdigest()[:12]


def bases(proc: Path = Path("/proc")) -> Iterator[Path]:
    """Give where scopes may stand: best at the top, out of reach of our own unit's end; else inside it."""
    mount = find_mount((proc / "self/mountinfo").read_text())
    if mount is None:
        return
    place, root = mount
    yield place / "watchkeeper"
    for line in (proc / "self/cgroup").read_text().splitlines():
        if line.startswith("0::"):
            own = line[3:].removeprefix(root if root != "/" else "").strip("/")
            if own:
                yield place / own / "watchkeeper"


def find_mount(mountinfo: str) -> tuple[Path, str] | None:
    """Find the cgroup v2 mount: (mount point, root of the mount within the hierarchy), pure or hybrid."""
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        if after.split(" ", 1)[0] == "cgroup2":
            fields = before.split()
            return Path(_unescape(fields[4])), _unescape(fields[3])
    return None


def _limit(base: Path, scope: Scope, limits: Limits) -> tuple[str, ...]:
    """Set the limits that are wanted and possible; give their names."""
    wanted = {
        "memory": ("memory.max", limits.memory_bytes),
        "cpu": ("cpu.max", limits.cpu_cores and _quota(limits.cpu_cores)),
        "pids": ("pids.max", limits.processes),
    }
    held: list[str] = []
    for controller, (file, value) in wanted.items():
        if value is None:
            continue
        try:
            for directory in (base.parent, base, scope.path.parent, scope.path):
                (directory / "cgroup.subtree_control").write_text(f"+{controller}")
            (scope.agent / file).write_text(str(value))
        except OSError:
            continue
        held.append(controller)
    if "memory" in held:
        with suppress(OSError):  # kernels without swap accounting have no such file
            (scope.agent / "memory.swap.max").write_text("0")
    return tuple(held)


def _quota(cores: float) -> str:
    return f"{max(int(cores * CPU_PERIOD_MICROSECONDS), 1000)} {CPU_PERIOD_MICROSECONDS}"


def _tree(directory: Path) -> list[Path]:
    """Give the directory and all below it, deepest first."""
    return [Path(top) for top, _, _ in os.walk(directory, topdown=False)]


def _below(directory: Path) -> list[Path]:
    try:
        return [path for path in directory.iterdir() if path.is_dir()]
    except OSError:
        return []


def _pids(directory: Path) -> list[int]:
    try:
        return [int(line) for line in (directory / "cgroup.procs").read_text().split()]
    except OSError:
        return []


def _unescape(text: str) -> str:
    """Undo mountinfo's octal escapes of blank, tab, newline and backslash."""
    for code, plain in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, plain)
    return text
