"""Who uses the embedded server: one flock'ed file per user, so that a process's death ends its claim.

Standard library only, because the keeper runs it.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ServerUser:
    """One process that wants the server to run."""

    pid: int
    command: str


@contextmanager
def hold(users: Path) -> Iterator[None]:
    """Count the caller as a user of the server until the block ends or the process dies."""
    path = users / f"{os.getpid()}-{secrets.token_hex(4)}"
    descriptor = _locked_file(path)
    try:
        os.write(descriptor, f"{os.getpid()}\n{' '.join(sys.argv)[:200]}\n".encode(errors="replace"))
        yield
    finally:
        with suppress(FileNotFoundError):  # the whole directory may have been removed meanwhile
            path.unlink()
        os.close(descriptor)


def present(users: Path) -> list[ServerUser]:
    """List the users that live; files whose process is gone are removed."""
    try:
        paths = sorted(users.iterdir())
    except FileNotFoundError:
        return []
    return [user for user in (_read_if_held(path) for path in paths) if user is not None]


@contextmanager
def exclusive(path: Path) -> Iterator[bool]:
    """Try to hold a lock file for the block; gives False at once when another process holds it."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        yield _try_lock(descriptor)
    finally:
        os.close(descriptor)


def is_held(path: Path) -> bool:
    """Tell whether a living process holds this lock file; a file that is not there is not held."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not _try_lock(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def _locked_file(path: Path) -> int:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        # A keeper may have looked between the two calls, found nobody, and removed the name.
        if os.fstat(descriptor).st_nlink:
            return descriptor
        os.close(descriptor)


def _read_if_held(path: Path) -> ServerUser | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        if _try_lock(descriptor):
            with suppress(FileNotFoundError):  # its owner, or another onlooker, was quicker
                path.unlink()
            return None
        pid, _, command = os.read(descriptor, 4096).decode(errors="replace").partition("\n")
        return ServerUser(int(pid) if pid.isdecimal() else 0, command.strip())
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int, kind: int = fcntl.LOCK_EX) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
