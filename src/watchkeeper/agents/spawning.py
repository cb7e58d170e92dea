"""How a shim comes to be: as a program of its own, or born in a supervisor's nursery."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from watchkeeper.agents import records

SHIM = Path(__file__).with_name("shim.py")
NURSERY = Path(__file__).with_name("nursery.py")
BIRTH_SECONDS = 10.0

Spawn = Callable[[Path], int]
"""Gives the pid of the shim that was started for a session directory. Raises OSError."""


def spawn_shim(directory: Path) -> int:
    """Start the shim in a session of its own, with no pipe to us nor our environment; give its pid."""
    log = os.open(directory / records.SHIM_LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        return _spawn(SHIM, [str(directory / records.SPEC)], 0, log)
    finally:
        os.close(log)


class Nursery:
    """Shims for one supervisor, born of one small process. Begun at the first birth; may be used from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._way: socket.socket | None = None
        self._pid = 0

    def spawn(self, directory: Path) -> int:
        """Give the pid of a new shim; of one that is no fork where the nursery fails, which is begun anew then."""
        with self._lock:
            try:
                return self._born(directory)
            except OSError:
                self._end()
        return spawn_shim(directory)

    def stop(self) -> None:
        """End the nursery; its shims live on."""
        with self._lock:
            self._end()

    def _born(self, directory: Path) -> int:
        way = self._way or self._begun()
        way.send(os.fsencode(directory))
        told = way.recv(64)
        if not told:
            raise BrokenPipeError("the nursery has ended")
        return int(told)

    def _begun(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._pid = _spawn(NURSERY, [], theirs.fileno(), None)
        ours.settimeout(BIRTH_SECONDS)
        self._way = ours
        return ours

    def _end(self) -> None:
        if self._way is None:
            return
        self._way.close()
        self._way = None
        # It ends as soon as it hears of that; who has not by now is waited for when we end ourselves.
        os.waitpid(self._pid, os.WNOHANG)


def _spawn(program: Path, arguments: list[str], stdin: int, log: int | None) -> int:
    """Start one of our small programs; `stdin` 0 is /dev/null, without a `log` it says nothing."""
    python = getattr(sys, "_base_executable", "") or sys.executable
    nothing = (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)
    said: list[tuple[int, ...] | tuple[int, int, str, int, int]] = [
        nothing if stdin == 0 else (os.POSIX_SPAWN_DUP2, stdin, 0)
    ]
    for target in (1, 2):
        silent = (os.POSIX_SPAWN_OPEN, target, os.devnull, os.O_WRONLY, 0)
        said.append(silent if log is None else (os.POSIX_SPAWN_DUP2, log, target))
    return os.posix_spawn(
        python,
        [python, "-I", "-S", str(program), *arguments],
        {"LC_ALL": "C.UTF-8", "PATH": os.defpath},
        file_actions=said,
        setsid=True,
    )
