"""The artifact store in a bucket.

    <prefix>/<project>/<first two digits>/<sha256>     one file, never changed

A file is first copied to an own temporary file, which gives its hash, and then put in place whole; what stands there
and is good already is left as it is. What is no longer named is removed by services/artifact_sweep_s3.py.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from watchkeeper.services.artifact_bucket import PART_BYTES, Bucket, BucketPlace
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

TOMBSTONE = ".tombstone"


def key_of(project: str, sha256: str) -> str:
    """Give where a file stands below the prefix."""
    return f"{checked_project(project)}/{checked_sha256(sha256)[:2]}/{sha256}"


class S3ArtifactStore:
    """Keeps files by content, for the threads and processes of many machines."""

    def __init__(self, place: BucketPlace, scratch: Path, limit_bytes: int = DEFAULT_LIMIT_BYTES) -> None:
        """Files on their way in take their room below `scratch`."""
        self.bucket = Bucket(place)
        self.limit_bytes = limit_bytes
        self._scratch = scratch

    @property
    def place(self) -> str:
        return str(self.bucket.place)

    def put(self, project: str, chunks: Iterable[bytes]) -> StoredBlob:
        checked_project(project)
        with writing():
            self._scratch.mkdir(parents=True, exist_ok=True)
            spool = tempfile.TemporaryFile(dir=self._scratch)  # noqa: SIM115 - closed below
        try:
            blob = self._take(spool, chunks)
            self._put_in_place(key_of(project, blob.sha256), spool, blob)
        finally:
            with suppress(OSError):  # a full disk may refuse what is still to be written, which nobody wants
                spool.close()
        return blob

    def put_file(self, project: str, source: Path) -> StoredBlob:
        with regular_file(source) as file:
            return self.put(project, chunks_of(file))

    def open(self, project: str, sha256: str, start: int = 0) -> BucketReader:
        """The same; a file that is read from its first byte on is never handed out whole unless it is as stored."""
        key = key_of(project, sha256)
        found = self.bucket.size(key)
        if found is None:
            raise ArtifactLostError(sha256=sha256)
        return BucketReader(self.bucket, key, *found, start)

    def size(self, project: str, sha256: str) -> int | None:
        found = self.bucket.size(key_of(project, sha256))
        return None if found is None else found[0]

    def verify(self, project: str, sha256: str) -> bool:
        try:
            with self.open(project, sha256) as file:
                for _ in chunks_of(file):
                    pass
        except (ArtifactLostError, ArtifactStoreError):
            return False
        return True

    def trouble(self) -> str | None:
        try:
            self.bucket.folders()
        except ArtifactStoreError as error:
            return error.message
        return None

    def _take(self, spool: IO[bytes], chunks: Iterable[bytes]) -> StoredBlob:
        digest, size = hashlib.sha256(), 0
        for chunk in chunks:
            size += len(chunk)
            if size > self.limit_bytes:
                raise refuse_too_large(self.limit_bytes)
            digest.update(chunk)
            with writing():
                spool.write(chunk)
        return StoredBlob(digest.hexdigest(), size)

    def _put_in_place(self, key: str, spool: IO[bytes], blob: StoredBlob) -> None:
        """Take the mark of a sweep away first: what a sweep may be removing this moment is put again, good or not."""
        marked = self.bucket.size(key + TOMBSTONE) is not None
        if marked:
            self.bucket.delete(key + TOMBSTONE)
        if not marked and self._is_good(key, blob):
            return
        with writing():
            spool.seek(0)
        self.bucket.write(key, spool)

    def _is_good(self, key: str, blob: StoredBlob) -> bool:
        found = self.bucket.size(key)
        if found is None or found[0] != blob.bytes:
            return False
        try:
            for _ in chunks_of(BucketReader(self.bucket, key, *found)):
                pass
        except ArtifactLostError:
            return False
        return True


class BucketReader:
    """A stored file while it is read, a part at a time. Raises ArtifactLostError where it differs or is gone."""

    def __init__(self, bucket: Bucket, key: str, size: int, version: str | None, start: int = 0) -> None:
        self._bucket = bucket
        self._key = key
        self._size = size
        self._version = version
        self._next = start
        self._part = b""
        self._used = 0
        self._hash = hashlib.sha256() if start == 0 else None
        if size == 0:
            self._judge()

    def read(self, size: int = -1, /) -> bytes:
        if size < 0:
            return b"".join(chunks_of(self))
        if self._used == len(self._part) and self._next < self._size and size:
            self._fetch()
        piece = self._part[self._used : self._used + size]
        self._used += len(piece)
        return piece

    def close(self) -> None:
        self._part, self._used, self._next = b"", 0, self._size

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.close()

    def _fetch(self) -> None:
        """Get the next part; the last one is handed out only when the whole is what its name says."""
        end = min(self._next + PART_BYTES, self._size)
        part = self._bucket.read(self._key, self._next, end, self._version)
        if part is None or len(part) != end - self._next:
            raise ArtifactLostError(sha256=self._key[-64:])
        if self._hash is not None:
            self._hash.update(part)
        self._part, self._used, self._next = part, 0, end
        if end == self._size:
            self._judge()

    def _judge(self) -> None:
        if self._hash is not None and self._hash.hexdigest() != self._key[-64:]:
            raise ArtifactLostError("the stored file is not what was stored", sha256=self._key[-64:])
