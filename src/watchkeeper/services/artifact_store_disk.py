"""The artifact store on the local disk.

    <root>/<project>/<first two digits>/<sha256>     one file, never changed
    <root>/<project>/.incoming/<random>              being written; a crash leaves nothing else

What is no longer named is removed by services/artifact_sweep_disk.py.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from io import BufferedReader
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from watchkeeper.services.artifact_store import (
    DEFAULT_LIMIT_BYTES,
    ArtifactLostError,
    ArtifactStoreError,
    StoredBlob,
    checked_project,
    checked_sha256,
    chunks_of,
    refuse_too_large,
    regular_file,
    writing,
)
from watchkeeper.services.private_files import make_folders, new_private_file, sync_folder

INCOMING = ".incoming"
LOCK = ".lock"
TOMBSTONE = ".tombstone"
LOW_DISK_BYTES = 1024 * 1024 * 1024


class DiskArtifactStore:
    """Keeps files by content, for the threads and processes of one machine."""

    def __init__(self, root: Path, limit_bytes: int = DEFAULT_LIMIT_BYTES) -> None:
        self.root = root
        self.limit_bytes = limit_bytes

    @property
    def place(self) -> str:
        return str(self.root)

    def writer(self, project: str) -> BlobWriter:
        """Begin a file: write its chunks, then commit; a `with` block left before that keeps nothing."""
        return BlobWriter(self.project_folder(project), self.limit_bytes)

    def put(self, project: str, chunks: Iterable[bytes]) -> StoredBlob:
        with self.writer(project) as writer:
            for chunk in chunks:
                writer.write(chunk)
            return writer.commit()

    def put_file(self, project: str, source: Path) -> StoredBlob:
        with regular_file(source) as file:
            return self.put(project, chunks_of(file))

    def open(self, project: str, sha256: str, start: int = 0) -> BufferedReader:
        try:
            file = self.path(project, sha256).open("rb")
        except FileNotFoundError:
            raise ArtifactLostError(sha256=sha256) from None
        except OSError as error:
            raise ArtifactStoreError(
                f"a stored file cannot be read: {error.strerror}", sha256=sha256
            ) from error
        file.seek(start)
        return file

    def size(self, project: str, sha256: str) -> int | None:
        try:
            return self.path(project, sha256).stat().st_size
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ArtifactStoreError(
                f"a stored file cannot be looked at: {error.strerror}", sha256=sha256
            ) from error

    def verify(self, project: str, sha256: str) -> bool:
        try:
            with self.open(project, sha256) as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == sha256
        except (ArtifactLostError, ArtifactStoreError, OSError):
            return False

    def trouble(self) -> str | None:
        place = self.root
        while not place.exists():
            place = place.parent
        try:
            free = shutil.disk_usage(place).free
        except OSError as error:
            return f"it cannot be looked at: {error.strerror}"
        return None if free >= LOW_DISK_BYTES else f"{free / 1024**3:.1f} GiB are free there"

    def remove_project(self, project: str) -> None:
        """Remove all files of a project that is no more; a writer at work there fails. Raises OSError."""
        folder = self.project_folder(project)
        if folder.is_dir():
            with project_lock(folder, fcntl.LOCK_EX):
                shutil.rmtree(folder)

    def project_folder(self, project: str) -> Path:
        return self.root / checked_project(project)

    def path(self, project: str, sha256: str) -> Path:
        """Give where a stored file lies, or would lie."""
        return self.project_folder(project) / checked_sha256(sha256)[:2] / sha256


class BlobWriter:
    """One file on its way in. The lock that it holds on its temporary file tells a sweep that it is alive."""

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self._folder = folder
        self._limit = limit_bytes
        self._hash = hashlib.sha256()
        self._bytes = 0
        with writing():
            make_folders(folder / INCOMING)
            self._path = folder / INCOMING / secrets.token_hex(16)
            self._file: BinaryIO | None = new_private_file(self._path, buffering=0)
            fcntl.flock(self._file, fcntl.LOCK_EX)

    def write(self, chunk: bytes) -> None:
        """Add a chunk; on any error nothing is kept."""
        if self._file is None:
            raise ValueError("this file was committed or given up")
        self._bytes += len(chunk)
        if self._bytes > self._limit:
            self.abort()
            raise refuse_too_large(self._limit)
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
            with writing():
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
