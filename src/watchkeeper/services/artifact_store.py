"""The artifact store: files kept under the hash of their content, per project, on the local disk.

    <root>/<project>/<first two digits>/<sha256>     one file, never changed
    <root>/<project>/.incoming/<random>              being written; a crash leaves nothing else

Every call blocks and is meant for `asyncio.to_thread`. The row that names a file is written by the caller,
after `commit`. What is no longer named is removed by services/artifact_sweep.py.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import re
import secrets
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from watchkeeper.domain.errors import ContractRejected, UsageError, WatchkeeperError

DEFAULT_LIMIT_BYTES = 256 * 1024 * 1024
CHUNK_BYTES = 1024 * 1024
INCOMING = ".incoming"
LOCK = ".lock"
TOMBSTONE = ".tombstone"

_PROJECT = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class ArtifactStoreFullError(WatchkeeperError):
    """The disk of the artifact store is full; the file was not kept."""

    hint = "An operator frees space for the artifact store; then upload again. The job goes on."


class ArtifactStoreError(WatchkeeperError):
    """The artifact store cannot be read or written."""

    hint = "An operator looks at the server's log and at the disk of the artifact store."


class ArtifactLostError(WatchkeeperError):
    """The stored file is gone."""

    hint = "Restore it from a backup, or have the job done again."


@dataclass(frozen=True, slots=True)
class StoredBlob:
    sha256: str
    bytes: int


class ArtifactStore:
    """Keeps files by content. Safe for many threads and processes of one machine at once."""

    def __init__(self, root: Path, limit_bytes: int = DEFAULT_LIMIT_BYTES) -> None:
        self.root = root
        self.limit_bytes = limit_bytes

    def writer(self, project: str) -> BlobWriter:
        """Begin a file: write its chunks, then commit; a `with` block left before that keeps nothing."""
        return BlobWriter(self.project_folder(project), self.limit_bytes)

    def put(self, project: str, chunks: Iterable[bytes]) -> StoredBlob:
        """Keep a file. Raises ContractRejected (`too_large`), ArtifactStoreFullError, ArtifactStoreError."""
        with self.writer(project) as writer:
            for chunk in chunks:
                writer.write(chunk)
            return writer.commit()

    def put_file(self, project: str, source: Path) -> StoredBlob:
        """Keep a copy of a regular file; a symbolic link is refused with UsageError, wherever it leads."""
        try:
            descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            reason = (
                "is a symbolic link" if error.errno == errno.ELOOP else (error.strerror or "cannot be read")
            )
            raise UsageError(f"{source.name!r}: {reason}") from None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise UsageError(f"{source.name!r} is not a regular file")
        with os.fdopen(descriptor, "rb") as file:
            return self.put(project, iter(lambda: file.read(CHUNK_BYTES), b""))

    def open(self, project: str, sha256: str) -> BufferedReader:
        """Open a stored file for reading. Raises ArtifactLostError where it is gone."""
        try:
            return self.path(project, sha256).open("rb")
        except FileNotFoundError:
            raise ArtifactLostError(sha256=sha256) from None
        except OSError as error:
            raise ArtifactStoreError(
                f"a stored file cannot be read: {error.strerror}", sha256=sha256
            ) from error

    def size(self, project: str, sha256: str) -> int | None:
        """Give the size of a stored file in bytes, None where it is gone."""
        try:
            return self.path(project, sha256).stat().st_size
        except FileNotFoundError:
            return None

    def head(self, project: str, sha256: str, count: int) -> bytes:
        """Give the first `count` bytes of a stored file. Raises ArtifactLostError."""
        with self.open(project, sha256) as file:
            return file.read(count)

    def verify(self, project: str, sha256: str) -> bool:
        """Read a stored file again and say whether it is still what its name says; False where it is gone."""
        try:
            with self.open(project, sha256) as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == sha256
        except (ArtifactLostError, OSError):
            return False

    def project_folder(self, project: str) -> Path:
        if not _PROJECT.fullmatch(project):
            raise UsageError(f"{project[:80]!r} is not the name of a project")
        return self.root / project

    def path(self, project: str, sha256: str) -> Path:
        """Give where a stored file lies, or would lie."""
        if not _SHA256.fullmatch(sha256):
            raise UsageError(f"{sha256[:80]!r} is not a SHA-256")
        return self.project_folder(project) / sha256[:2] / sha256


class BlobWriter:
    """One file on its way in. The lock that it holds on its temporary file tells a sweep that it is alive."""

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self._folder = folder
        self._limit = limit_bytes
        self._hash = hashlib.sha256()
        self._bytes = 0
        with _clear_errors():
            make_folders(folder / INCOMING)
            self._path = folder / INCOMING / secrets.token_hex(16)
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            self._file: BinaryIO | None = os.fdopen(descriptor, "wb", buffering=0)
            fcntl.flock(descriptor, fcntl.LOCK_EX)

    def write(self, chunk: bytes) -> None:
        """Add a chunk; on any error nothing is kept."""
        if self._file is None:
            raise ValueError("this file was committed or given up")
        self._bytes += len(chunk)
        if self._bytes > self._limit:
            self.abort()
            detail = f"the file has more than {self._limit:,} bytes"
            raise ContractRejected(detail, failed=[{"check": "too_large", "detail": detail}])
        self._hash.update(chunk)
        with self._giving_up():
            rest = memoryview(chunk)
            while rest:
                rest = rest[self._file.write(rest) :]

    def commit(self) -> StoredBlob:
        """Make the file durable under its hash; one already there is replaced, which mends it."""
        if self._file is None:
            raise ValueError("this file was committed or given up")
        sha256 = self._hash.hexdigest()
        target = self._folder / sha256[:2] / sha256
        with self._giving_up():
            os.fchmod(self._file.fileno(), 0o400)
            os.fsync(self._file.fileno())
            make_folders(target.parent)
            with project_lock(self._folder, fcntl.LOCK_SH):
                self._path.replace(target)
                target.with_name(sha256 + TOMBSTONE).unlink(missing_ok=True)
            sync_folder(target.parent)
            self._file.close()
            self._file = None
        return StoredBlob(sha256, self._bytes)

    def abort(self) -> None:
        """Keep nothing. Safe to repeat, and after a commit."""
        if self._file is None:
            return
        file, self._file = self._file, None
        # The name is gone first, so that a full disk, which may refuse the close, has its space back.
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()
        with contextlib.suppress(OSError):  # nothing of this file is wanted any more
            file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abort()

    @contextlib.contextmanager
    def _giving_up(self) -> Iterator[None]:
        try:
            with _clear_errors():
                yield
        except BaseException:
            self.abort()
            raise


@contextlib.contextmanager
def project_lock(folder: Path, mode: int) -> Iterator[None]:
    """Hold the project's lock: shared while a file is put in place, alone while one is removed."""
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, mode)
        yield
    finally:
        os.close(descriptor)


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


@contextlib.contextmanager
def _clear_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise ArtifactStoreFullError from error
        raise ArtifactStoreError(f"the artifact store cannot be written: {error.strerror}") from error
