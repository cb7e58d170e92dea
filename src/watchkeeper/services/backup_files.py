"""The directory of a backup: written under another name until it is whole, and read with suspicion.

    PATH/manifest.json      what this is, and what the two files below must be
    PATH/database.dump      PostgreSQL's own archive
    PATH/artifacts.jsonl    one line for each file: project, sha256, bytes
    PATH/artifacts/<project>/<first two digits>/<sha256>

Every call blocks and is meant for `asyncio.to_thread`.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

from watchkeeper.domain.backups import DUMP, FILE_LIST, FILES, MANIFEST, BackupUnusable, Manifest, SealedFile
from watchkeeper.domain.errors import Conflict, SettingError, WatchkeeperError
from watchkeeper.services.artifact_store import CHUNK_BYTES
from watchkeeper.services.private_files import make_folders, new_private_file, sync_folder

PARTIAL = ".partial"
NOTES = "to-copy"
SYNC_BYTES = 8 * 1024 * 1024
"""So much is written before it is brought to disk: a heap of unwritten pages would hold up the commits of others."""

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One artifact's file in a backup."""

    project: str
    sha256: str
    bytes: int


class SealedWriter:
    """Writes one file, closed to others, and says in the end what it must be when it is read again."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = new_private_file(path, buffering=0)
        self._name = path.name
        self._hash = hashlib.sha256()
        self._bytes = 0
        self._unsynced = 0

    def write(self, chunk: bytes) -> None:
        rest = memoryview(chunk)
        while rest:
            rest = rest[self._file.write(rest) :]
        self._hash.update(chunk)
        self._bytes += len(chunk)
        self._unsynced += len(chunk)
        if self._unsynced >= SYNC_BYTES:
            os.fdatasync(self._file.fileno())
            self._unsynced = 0

    def seal(self) -> SealedFile:
        """Bring the file to disk."""
        os.fsync(self._file.fileno())
        self._file.close()
        return SealedFile(self._name, self._bytes, self._hash.hexdigest())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


class NewBackup:
    """A backup that is being written; it gets its name when all of it is on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.partial = path.with_name(path.name + PARTIAL)

    def demand_free(self) -> None:
        """Raise SettingError where something is in the way, or there is no place for it."""
        if self.path.exists() or self.path.is_symlink():
            raise SettingError(f"{self.path} is there already", hint="Give each backup a new name.")
        if not self.path.parent.is_dir():
            raise SettingError(f"{self.path.parent} is not a directory", hint="Make it, then try again.")

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Make the directory, and remove it again unless `finish` gave it its name.

        Raises Conflict where another backup writes the same.
        """
        with clear_errors(self.path), self._alone():
            try:
                yield
            finally:
                shutil.rmtree(self.partial, ignore_errors=True)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        self.partial.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(self.partial, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Conflict(f"another backup is being written to {self.path}") from None
            for left in self.partial.iterdir():  # by a backup that was killed
                shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()
            yield
        finally:
            os.close(descriptor)

    def writer(self, name: str) -> SealedWriter:
        return SealedWriter(self.partial / name)

    def notes(self) -> SealedWriter:
        """Begin the note of which files shall be copied; `noted` reads it, and it is no part of the backup."""
        return SealedWriter(self.partial / NOTES)

    def noted(self) -> Iterator[tuple[str, str]]:
        with (self.partial / NOTES).open(encoding="ascii") as lines:
            for line in lines:
                project, sha256 = line.split()
                yield project, sha256

    def forget_notes(self) -> None:
        (self.partial / NOTES).unlink()

    def file_writer(self, project: str, sha256: str) -> SealedWriter:
        """Begin the copy of an artifact's file."""
        folder = _place(self.partial, project, sha256).parent
        make_folders(folder)
        return SealedWriter(folder / sha256)

    def drop(self, project: str, sha256: str) -> None:
        """Take back a copy that turned out not to be what its name says."""
        _place(self.partial, project, sha256).unlink()

    def finish(self, manifest: Manifest) -> None:
        """Write the manifest and give the directory its name; raise SettingError where it was taken meanwhile."""
        with self.writer(MANIFEST) as writer:
            writer.write(json.dumps(manifest.to_json(), ensure_ascii=False, indent=2).encode() + b"\n")
            writer.seal()
        for folder, _, _ in os.walk(self.partial):
            sync_folder(Path(folder))
        if self.path.exists():
            raise SettingError(f"{self.path} appeared meanwhile", hint="Give each backup a name of its own.")
        self.partial.rename(self.path)
        sync_folder(self.path.parent)


class WrittenBackup:
    """A backup that lies there, to be restored."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def dump(self) -> Path:
        return self.path / DUMP

    def read(self) -> Manifest:
        """Read the manifest and check both files against it; raise BackupUnusable where they differ."""
        try:
            document = json.loads((self.path / MANIFEST).read_bytes())
        except OSError as error:
            raise BackupUnusable(
                f"{self.path} is not a backup: {MANIFEST} cannot be read: {error.strerror}"
            ) from error
        except ValueError as error:
            raise BackupUnusable(f"{MANIFEST} is not JSON: {error}") from error
        return Manifest.parse(document)

    def demand_whole(self, manifest: Manifest) -> None:
        """Raise BackupUnusable unless the dump and the list of files are those that the manifest names."""
        for sealed, name in ((manifest.dump, DUMP), (manifest.file_list, FILE_LIST)):
            try:
                with (self.path / name).open("rb") as file:
                    if (size := os.fstat(file.fileno()).st_size) != sealed.bytes:
                        raise BackupUnusable(f"{name} has {size:,} bytes instead of {sealed.bytes:,}")
                    found = hashlib.file_digest(file, "sha256").hexdigest()
            except OSError as error:
                raise BackupUnusable(f"{name} cannot be read: {error.strerror}") from error
            if found != sealed.sha256:
                raise BackupUnusable(f"{name} is not what was written: its SHA-256 differs")

    def demand_files(self, manifest: Manifest, *, hashes: bool) -> None:
        """Raise BackupUnusable unless every artifact's file that the manifest counts is there, as long as it was.

        With `hashes` each is read and held to its name, too.
        """
        count = total = 0
        for file in self.files():
            place, name = _place(self.path, file.project, file.sha256), f"{file.project}/{file.sha256}"
            try:
                size = place.stat().st_size
            except OSError as error:
                raise BackupUnusable(f"the artifact {name} cannot be read: {error.strerror}") from error
            if size != file.bytes:
                raise BackupUnusable(f"the artifact {name} has {size:,} bytes instead of {file.bytes:,}")
            if hashes and _hash_of(self.chunks(file)) != file.sha256:
                raise BackupUnusable(f"the artifact {name} is not what was written")
            count, total = count + 1, total + size
        if (count, total) != (manifest.files, manifest.file_bytes):
            raise BackupUnusable(
                f"the list names {count:,} artifact files of {total:,} bytes, the manifest {manifest.files:,} "
                f"of {manifest.file_bytes:,}"
            )

    def files(self) -> Iterator[StoredFile]:
        """Give the artifacts' files, line by line of the list; raise BackupUnusable for a line that is none."""
        with (self.path / FILE_LIST).open("rb") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    yield StoredFile(**json.loads(line))
                except (ValueError, TypeError) as error:
                    raise BackupUnusable(f"line {number} of {FILE_LIST} names no file") from error

    def chunks(self, file: StoredFile) -> Iterator[bytes]:
        """Read an artifact's file; raise BackupUnusable where it is missing or has another length."""
        name = f"the artifact {file.project}/{file.sha256}"
        try:
            with _place(self.path, file.project, file.sha256).open("rb") as opened:
                if os.fstat(opened.fileno()).st_size != file.bytes:
                    raise BackupUnusable(f"{name} is not as long as it was")
                while chunk := opened.read(CHUNK_BYTES):
                    yield chunk
        except OSError as error:
            raise BackupUnusable(f"{name} cannot be read: {error.strerror}") from error


def _hash_of(chunks: Iterator[bytes]) -> str:
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()


def _place(root: Path, project: str, sha256: str) -> Path:
    return root / FILES / project / sha256[:2] / sha256


@contextlib.contextmanager
def clear_errors(path: Path) -> Iterator[None]:
    """Say what the disk refused, in words."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise SettingError(
                f"the disk of {path.parent} is full", hint="Free room, or write the backup elsewhere."
            ) from error
        raise WatchkeeperError(
            f"{error.filename or path} cannot be written: {error.strerror}",
            hint="Nothing was left behind; mend it and try again.",
        ) from error
