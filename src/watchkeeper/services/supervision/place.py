"""Which of the workers of a home this process is: a number held by a lock, so that a restart finds its own.

Workers of several projects may share a home: each directory notes whose token it was used with, and while it
holds attempts that are not over it is for that token alone.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from watchkeeper.agents.scope import home_hash
from watchkeeper.domain.errors import SettingError
from watchkeeper.logs import log
from watchkeeper.services.supervision.records import attempts_in

MOST_ON_ONE_HOME = 1000
OWNER = "owner"


@dataclass(frozen=True)
class Place:
    """A worker's name and directory. `orphaned` are directories of workers of this home that are gone."""

    worker_id: str
    directory: Path
    orphaned: tuple[Path, ...] = ()


@contextmanager
def taken_place(home: Path, worker_id: str | None, token: str) -> Iterator[Place]:
    """Take the first free number of this home, and what dead workers left; hold both until the end.

    Raises SettingError when the home cannot be written.
    """
    base = worker_id or f"{socket.gethostname()}-{home_hash(home)[:6]}"
    locks: list[int] = []
    try:
        yield _take(home / "sessions", base, hashlib.sha256(token.encode()).hexdigest()[:16], locks)
    except OSError as error:
        if locks:
            raise
        raise SettingError(f"the home {home} cannot be written: {error.strerror}") from error
    finally:
        for lock in locks:
            os.close(lock)


def _take(sessions: Path, base: str, owner: str, locks: list[int]) -> Place:
    sessions.mkdir(mode=0o700, parents=True, exist_ok=True)
    for number in range(1, MOST_ON_ONE_HOME):
        name = base if number == 1 else f"{base}-{number}"
        directory = sessions / re.sub(r"[^A-Za-z0-9._-]", "_", name)
        if (lock := _locked(directory)) is None:
            continue
        if not _is_for(directory, owner):
            log("attempts_of_another_token", directory=str(directory))
            os.close(lock)
            continue
        locks.append(lock)
        directory.mkdir(mode=0o700, exist_ok=True)
        (directory / OWNER).write_text(owner)
        return Place(name, directory, _orphans(sessions, directory, owner, locks))
    raise SettingError(f"{MOST_ON_ONE_HOME} workers run on this home already")


def _orphans(sessions: Path, own: Path, owner: str, locks: list[int]) -> tuple[Path, ...]:
    found = []
    for directory in sorted(path for path in sessions.iterdir() if path.is_dir() and path != own):
        if not _is_for(directory, owner) or (lock := _locked(directory)) is None:
            continue
        locks.append(lock)
        found.append(directory)
    return tuple(found)


def _is_for(directory: Path, owner: str) -> bool:
    """Say whether a worker with this token may use the directory: its own, or one where all is over."""
    try:
        noted = (directory / OWNER).read_text()
    except FileNotFoundError:
        return True
    return noted == owner or all(attempt.is_over for attempt in attempts_in(directory))


@contextmanager
def place_lock(directory: Path) -> Iterator[bool]:
    """Hold a worker's directory for the block; False where a worker that runs holds it."""
    lock = _locked(directory)
    try:
        yield lock is not None
    finally:
        if lock is not None:
            os.close(lock)


def _locked(directory: Path) -> int | None:
    """Lock a worker's directory by the file beside it; None where another process holds it, or takes it away."""
    path = directory.with_name(f"{directory.name}.lock")
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    if not path.exists() or path.stat().st_ino != os.fstat(lock).st_ino:
        os.close(lock)
        return None
    return lock
