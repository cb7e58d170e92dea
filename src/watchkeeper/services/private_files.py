"""Files and folders that nobody else may read, and names that survive a power cut."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import BinaryIO


def new_private_file(path: Path, *, buffering: int = -1) -> BinaryIO:
    """Make a file that nobody else may read, whatever the umask is; raise FileExistsError where there is one.

    A link counts as a file: it is not followed.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    return os.fdopen(descriptor, "wb", buffering=buffering)


def make_folders(folder: Path) -> None:
    """Make a folder and its parents, closed to others, so that they survive a power cut."""
    if folder.is_dir():
        return
    make_folders(folder.parent)
    with contextlib.suppress(FileExistsError):  # another writer was faster
        folder.mkdir(mode=0o700)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
