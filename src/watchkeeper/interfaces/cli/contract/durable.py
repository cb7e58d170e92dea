"""Files that outlive a crash: written beside, synced, renamed, the directory synced; private to this user."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from watchkeeper.domain.errors import UsageError

LOCK_POLL_SECONDS = 0.02


def private_folder(path: Path) -> Path:
    """Make a folder that only this user can enter; raise UsageError, naming it, where that cannot be."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.stat().st_mode & 0o077:
            path.chmod(0o700)
    except OSError as error:
        raise _unusable(path, error) from None
    if not os.access(path, os.W_OK | os.X_OK):
        raise _unusable(path, PermissionError(13, "Permission denied"))
    return path


def write_file(path: Path, content: bytes) -> None:
    """Put `content` at `path` so that after a crash either the former or the new one stands there, whole."""
    draft = path.with_name(f".{path.name[:200]}.{os.getpid()}.draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        left = memoryview(content)
        while left:
            left = left[os.write(descriptor, left) :]
        os.fsync(descriptor)
    except BaseException:
        with contextlib.suppress(OSError):  # the first error is the one to tell
            draft.unlink()
        raise
    finally:
        os.close(descriptor)
    draft.replace(path)
    sync_folder(path.parent)


def remove_file(path: Path) -> None:
    """Remove `path` for good; that it is gone already is as good."""
    path.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Make the names in a folder survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def locked(path: Path, wait_seconds: float) -> Iterator[bool]:
    """Hold the lock file at `path` against others; yield False when it stayed taken for `wait_seconds`.

    The kernel lets go of it when its holder dies, so that no lock is ever left behind.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield _take(descriptor, time.monotonic() + wait_seconds)
    finally:
        os.close(descriptor)


def _take(descriptor: int, deadline: float) -> bool:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(LOCK_POLL_SECONDS)
        else:
            return True


def _unusable(path: Path, error: OSError) -> UsageError:
    return UsageError(
        f"the state folder {path} cannot be used: {error.strerror}",
        hint="Set WATCHKEEPER_HOME to a folder that this user can write.",
        folder=str(path),
    )
