"""The artifact store as its users see it: files kept under the hash of their content, per project, never changed.

On the local disk (artifact_store_disk.py) or in a bucket (artifact_store_s3.py): a setting decides. Every call blocks
and is meant for `asyncio.to_thread`. The row that names a file is written by the caller, after `put`; what is no longer
named is removed by services/artifact_upkeep.py.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol, Self

from watchkeeper.domain.errors import ContractRejected, UsageError, WatchkeeperError

DEFAULT_LIMIT_BYTES = 256 * 1024 * 1024
CHUNK_BYTES = 1024 * 1024
GRACE = timedelta(hours=24)
"""How long a file stays that no row names."""

_PROJECT = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class ArtifactStoreFullError(WatchkeeperError):
    """The disk of the artifact store is full; the file was not kept."""

    hint = "An operator frees space for the artifact store; then upload again. The job goes on."


class ArtifactStoreError(WatchkeeperError):
    """The artifact store cannot be read or written."""

    hint = "An operator looks at the server's log and at the artifact store."


class ArtifactLostError(WatchkeeperError):
    """The stored file is gone."""

    hint = "Restore it from a backup, or have the job done again."


@dataclass(frozen=True, slots=True)
class StoredBlob:
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Settled:
    """What was done to one group of files: newly marked, removed, and found to be named after all."""

    marked: int = 0
    removed: int = 0
    revived: int = 0


@dataclass(frozen=True, slots=True)
class Shard:
    """A group of stored files. `marked`: those with a mark, where only a listing tells that without a request each."""

    hashes: tuple[str, ...]
    marked: frozenset[str] = frozenset()


class BlobReader(Protocol):
    """A stored file while it is read."""

    def read(self, size: int = -1, /) -> bytes: ...
    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...


class ArtifactStore(Protocol):
    """Keeps files by content. Safe for many threads and processes at once."""

    @property
    def limit_bytes(self) -> int:
        """Give the size of the largest file that is taken."""

    @property
    def place(self) -> str:
        """Name where the files are, for people."""

    def put(self, project: str, chunks: Iterable[bytes]) -> StoredBlob:
        """Keep a file. Raises ContractRejected (`too_large`), ArtifactStoreFullError, ArtifactStoreError."""

    def put_file(self, project: str, source: Path) -> StoredBlob:
        """Keep a copy of a regular file; a symbolic link is refused with UsageError, wherever it leads."""

    def open(self, project: str, sha256: str, start: int = 0) -> BlobReader:
        """Open a stored file for reading from a byte on. Raises ArtifactLostError where it is gone."""

    def size(self, project: str, sha256: str) -> int | None:
        """Give the size of a stored file in bytes, None where it is gone. Raises ArtifactStoreError."""

    def verify(self, project: str, sha256: str) -> bool:
        """Read a stored file again and say whether it is still what its name says; False where it is gone."""

    def trouble(self) -> str | None:
        """Say what would keep the next file from being stored, None for nothing."""


class ArtifactSweep(Protocol):
    """Removes what no row names. Which files are named only the database knows: the caller asks it for each shard.

    Safe beside writers and beside other sweeps.
    """

    def projects(self) -> list[str]:
        """Name the projects that may have files."""

    def shards(self, project: str) -> Iterator[Shard]:
        """Give all stored files, in groups."""

    def settle(
        self,
        project: str,
        shard: Shard,
        named: Collection[str],
        now: datetime,
        grace: timedelta = GRACE,
    ) -> Settled:
        """Mark those files of a shard that no row names, and remove those marked for `grace` already.

        `named` must have been read after the shard. A file that is put again meanwhile stays.
        """

    def sweep_incoming(self) -> int:
        """Remove what writers that died left behind; give their count."""


def is_project(name: str) -> bool:
    """Tell a project's folder from what else lies beside it."""
    return _PROJECT.fullmatch(name) is not None


def checked_project(project: str) -> str:
    """Let no made-up name become a part of a path."""
    if not is_project(project):
        raise UsageError(f"{project[:80]!r} is not the name of a project")
    return project


def checked_sha256(sha256: str) -> str:
    """Let no made-up hash become a part of a path."""
    if not _SHA256.fullmatch(sha256):
        raise UsageError(f"{sha256[:80]!r} is not a SHA-256")
    return sha256


def refuse_too_large(limit_bytes: int) -> ContractRejected:
    """Make the answer to a file over the limit."""
    detail = f"the file has more than {limit_bytes:,} bytes"
    return ContractRejected(detail, failed=[{"check": "too_large", "detail": detail}])


def regular_file(source: Path) -> BinaryIO:
    """Open a file that is to be stored; raise UsageError for a link, a pipe, or what cannot be read."""
    try:
        descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        reason = "is a symbolic link" if error.errno == errno.ELOOP else (error.strerror or "cannot be read")
        raise UsageError(f"{source.name!r}: {reason}") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UsageError(f"{source.name!r} is not a regular file")
    return os.fdopen(descriptor, "rb")


@contextmanager
def writing() -> Iterator[None]:
    """Say in our own words why a disk took no more."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise ArtifactStoreFullError from error
        raise ArtifactStoreError(f"the artifact store cannot be written: {error.strerror}") from error


def chunks_of(file: BlobReader | BinaryIO) -> Iterator[bytes]:
    """Read a file to its end, a chunk at a time."""
    return iter(lambda: file.read(CHUNK_BYTES), b"")
