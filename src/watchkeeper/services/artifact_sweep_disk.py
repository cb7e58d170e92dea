"""Removes from the store on the local disk what no row names: a mark beside the file carries the time.

Torn files go at once.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from watchkeeper.services.artifact_store import GRACE, Settled, Shard, is_project
from watchkeeper.services.artifact_store_disk import (
    INCOMING,
    TOMBSTONE,
    DiskArtifactStore,
    project_lock,
)
from watchkeeper.services.private_files import sync_folder


class DiskArtifactSweep:
    """Goes through one machine's store. A writer takes a file's mark away under the lock that the sweep holds alone."""

    def __init__(self, store: DiskArtifactStore) -> None:
        self._store = store

    def projects(self) -> list[str]:
        if not self._store.root.is_dir():
            return []
        return sorted(
            entry.name for entry in self._store.root.iterdir() if is_project(entry.name) and entry.is_dir()
        )

    def shards(self, project: str) -> Iterator[Shard]:
        folder = self._store.project_folder(project)
        if not folder.is_dir():
            return
        for place in sorted(entry for entry in folder.iterdir() if len(entry.name) == 2 and entry.is_dir()):
            hashes = tuple(sorted(entry.name for entry in place.iterdir() if len(entry.name) == 64))
            if hashes:
                yield Shard(hashes)

    def settle(
        self,
        project: str,
        shard: Shard,
        named: Collection[str],
        now: datetime,
        grace: timedelta = GRACE,
    ) -> Settled:
        marked = removed = revived = 0
        folder = self._store.project_folder(project)
        with project_lock(folder, fcntl.LOCK_EX):
            for sha256 in shard.hashes:
                path = self._store.path(project, sha256)
                mark = path.with_name(path.name + TOMBSTONE)
                marked_at = _modified(mark)
                if sha256 in named:
                    mark.unlink(missing_ok=True)
                    revived += marked_at is not None
                elif marked_at is None:
                    _mark(mark, now)
                    marked += 1
                elif now.timestamp() - marked_at >= grace.total_seconds():
                    path.unlink(missing_ok=True)
                    mark.unlink(missing_ok=True)
                    sync_folder(path.parent)
                    removed += 1
        return Settled(marked, removed, revived)

    def sweep_incoming(self) -> int:
        places = (self._store.project_folder(project) / INCOMING for project in self.projects())
        return sum(_remove_if_left(path) for place in places if place.is_dir() for path in place.iterdir())


def _remove_if_left(path: Path) -> bool:
    with contextlib.suppress(FileNotFoundError, BlockingIOError):  # done, or being written, meanwhile
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # A file made this moment may not have its lock yet.
            if time.time() - os.fstat(descriptor).st_mtime >= 60:
                path.unlink()
                return True
        finally:
            os.close(descriptor)
    return False


def _modified(path: Path) -> float | None:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return None


def _mark(path: Path, now: datetime) -> None:
    path.touch(mode=0o600)
    os.utime(path, (now.timestamp(), now.timestamp()))
