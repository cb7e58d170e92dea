"""What can be told about a cluster's postmaster from outside: its pid file, processes, stale locks.

Standard library only, because the keeper runs it. A pid alone proves nothing: pids are reused, and a dead
process stays a zombie where nobody reaps it.
"""

from __future__ import annotations

import hashlib
import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SOCKET_NAME = ".s.PGSQL.5432"
ORPHANS_NOTICE_SECONDS = 2.0
ORPHANS_QUIT_SECONDS = 5.0
# Nothing of the caller reaches the server: no PG* variable, no locale, no token.
CLEAN_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


@dataclass(frozen=True)
class PidFile:
    """The lines of postmaster.pid that matter here; `status` is 'starting', 'ready', 'stopping' or ''."""

    pid: int | None
    socket_dir: Path | None
    status: str


def instance_name(place: Path) -> str:
    """Name one instance on this machine: for process titles, scopes and short directories."""
    return "watchkeeper-" + hashlib.sha256(os.fsencode(place)).hexdigest()[:8]


def read_pid_file(cluster: Path) -> PidFile | None:
    """Read postmaster.pid, or None when there is none; an unreadable first line gives pid None."""
    try:
        lines = (cluster / "postmaster.pid").read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return None
    socket_dir = Path(lines[4]) if len(lines) > 4 and lines[4] else None
    return PidFile(_as_pid(lines[0] if lines else ""), socket_dir, lines[7].strip() if len(lines) > 7 else "")


def find(cluster: Path) -> int | None:
    """Tell the pid of the living postmaster of this cluster, or None; a zombie or a reused pid is none."""
    noted = read_pid_file(cluster)
    return noted.pid if noted and noted.pid and _serves(noted.pid, cluster) else None


def processes(cluster: Path) -> list[int]:
    """List every living postgres process of this cluster, the postmaster and its children."""
    return [
        pid
        for pid in (_as_pid(entry.name) for entry in Path("/proc").iterdir())
        if pid is not None and _serves(pid, cluster)
    ]


def end_orphans(cluster: Path) -> None:
    """See the children of a dead postmaster off; PostgreSQL refuses to start beside them.

    They notice by themselves, except when busy: then they get what their postmaster would have sent.
    """
    for number, seconds in (
        (0, ORPHANS_NOTICE_SECONDS),
        (signal.SIGQUIT, ORPHANS_QUIT_SECONDS),
        (signal.SIGKILL, 5.0),
    ):
        deadline = time.monotonic() + seconds
        for pid in processes(cluster):
            with suppress(ProcessLookupError):  # it ended meanwhile, as wished
                os.kill(pid, number)
        while processes(cluster):
            if time.monotonic() > deadline:
                break
            time.sleep(0.02)
        else:
            return


def clear_stale_locks(cluster: Path, socket_dir: Path) -> list[str]:
    """Remove lock files that name a zombie or somebody else's process; return a sentence for each.

    PostgreSQL refuses to start over both. One that names no process at all is left to PostgreSQL, which also
    checks the shared memory. Only for who holds the start lock or is the keeper; does nothing while any
    process of the cluster lives.
    """
    if processes(cluster):
        return []
    cleared = []
    for lock in (cluster / "postmaster.pid", socket_dir / f"{SOCKET_NAME}.lock"):
        try:
            pid = _as_pid(lock.read_text(errors="replace").partition("\n")[0])
        except FileNotFoundError:
            continue
        seen = _command_and_state(pid) if pid is not None else None
        if pid is not None and seen is None:
            continue
        lock.unlink()
        what = f"process {pid} ({seen[0]}, state {seen[1]})" if seen else "no process"
        cleared.append(f"removed {lock}: it names {what}, which is no server of this database")
    return cleared


def _serves(pid: int, cluster: Path) -> bool:
    seen = _command_and_state(pid)
    if seen is None or seen[0] != "postgres" or seen[1] in "ZX":
        return False
    try:
        return Path(f"/proc/{pid}/cwd").readlink() == cluster
    except (
        PermissionError
    ):  # root in a container without CAP_SYS_PTRACE, and a server that runs as another user
        return _names(pid, cluster)
    except (FileNotFoundError, ProcessLookupError):
        return False


def _names(pid: int, cluster: Path) -> bool:
    try:
        command_line = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False
    title = os.fsencode(f"postgres: {instance_name(cluster.parent)}:")
    return command_line.startswith(title) or os.fsencode(cluster) in command_line.split(b"\0")


def _command_and_state(pid: int) -> tuple[str, str] | None:
    try:
        line = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    return line[line.index("(") + 1 : line.rindex(")")], line[line.rindex(")") + 2]


def _as_pid(text: str) -> int | None:
    # A single-user postgres notes its pid as a negative number.
    number = text.strip().removeprefix("-")
    return int(number) if number.isdecimal() and int(number) > 0 else None
