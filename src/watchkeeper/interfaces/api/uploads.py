"""Multipart uploads: streamed to files of our own, bounded each and in all, gone when the request is."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from watchkeeper.domain.errors import ContractRejected, UsageError
from watchkeeper.domain.file_names import checked_name
from watchkeeper.interfaces.api.errors import BodyTooLarge, NotJson
from watchkeeper.services.artifact_store import ArtifactStoreError, ArtifactStoreFullError
from watchkeeper.services.private_files import new_private_file
from watchkeeper.settings import Settings

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

FIELD = b"files"
PREFIX = ".upload-"
MAX_FILES = 10_000
FILES_OF_FULL_SIZE = 16
"""All files of a request together have at most so many times the limit of one."""

FLUSH_BYTES = 1024 * 1024
MAX_HEADER_BYTES = 8 * 1024


@asynccontextmanager
async def received_files(request: Request, settings: Settings) -> AsyncIterator[list[tuple[str, Path]]]:
    """Give the files of a request as (name, where it is), in order; they are removed in the end.

    Raises UsageError for what is no such upload, ContractRejected (`too_large`) for a file over the limit.
    """
    boundary = _boundary(request)
    with _writing():
        folder, lock = await asyncio.to_thread(_make_folder, settings.home)
    parts = _Parts(folder, settings.artifact_limit_bytes)
    try:
        await _feed(request, parts, boundary)
        if not parts.files:
            raise UsageError("no file came in the multipart field 'files'")
        yield parts.files
    finally:
        with contextlib.suppress(OSError):  # a full disk may refuse it; what is removed need not be whole
            parts.close()
        try:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        finally:
            os.close(lock)


def remove_left_overs(home: Path) -> None:
    """Remove what killed servers left; folders that are in use are locked, and stay."""
    for folder in home.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):  # in use, or gone meanwhile
            lock = _locked(folder)
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)


def _make_folder(home: Path) -> tuple[Path, int]:
    home.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=home))
    return folder, _locked(folder)


def _locked(folder: Path) -> int:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


@contextlib.contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ArtifactStoreFullError from error
        raise ArtifactStoreError(f"an upload cannot be written: {error.strerror}") from error


def _boundary(request: Request) -> bytes:
    kind, options = parse_options_header(request.headers.get("content-type"))
    if kind != b"multipart/form-data":
        raise NotJson("files are sent as multipart/form-data", hint="Put each into the field 'files'.")
    if not (boundary := options.get(b"boundary")):
        raise UsageError("the multipart body names no boundary")
    return boundary


async def _feed(request: Request, parts: _Parts, boundary: bytes) -> None:
    try:
        with _writing():
            await _parse(request, parts, boundary)
    except FormParserError as error:
        raise UsageError(f"the multipart body is broken: {error}") from None


async def _parse(request: Request, parts: _Parts, boundary: bytes) -> None:
    parser = MultipartParser(boundary, cast("MultipartCallbacks", parts.callbacks()))
    waiting = bytearray()
    async for chunk in request.stream():
        waiting += chunk
        if len(waiting) >= FLUSH_BYTES:
            # Parsing writes to disk: not on the event loop.
            await asyncio.to_thread(parser.write, bytes(waiting))
            waiting.clear()
    await asyncio.to_thread(parser.write, bytes(waiting))
    parser.finalize()


class _Parts:
    """Takes the parser's events and writes each file part to a file of its own."""

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self.files: list[tuple[str, Path]] = []
        self._folder = folder
        self._limit = limit_bytes
        self._left_in_all = limit_bytes * FILES_OF_FULL_SIZE
        self._left = 0
        self._file: BinaryIO | None = None
        self._header = (b"", b"")
        self._disposition = b""

    def callbacks(self) -> dict[str, Callable[..., None]]:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._open,
            "on_part_data": self._write,
            "on_part_end": self.close,
        }

    def close(self) -> None:
        """End the file that is being written, if one is."""
        if self._file is not None:
            file, self._file = self._file, None
            file.close()

    def _begin(self) -> None:
        self._disposition = b""

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._header = (self._header[0] + data[start:end], self._header[1])
        self._bound()

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._header = (self._header[0], self._header[1] + data[start:end])
        self._bound()

    def _bound(self) -> None:
        if len(self._header[0]) + len(self._header[1]) > MAX_HEADER_BYTES:
            raise UsageError("a header of the multipart body is too long")

    def _header_end(self) -> None:
        if self._header[0].lower() == b"content-disposition":
            self._disposition = self._header[1]
        self._header = (b"", b"")

    def _open(self) -> None:
        _, options = parse_options_header(self._disposition)
        if options.get(b"name") != FIELD or b"filename" not in options:
            raise UsageError("each part of the upload is a file in the field 'files'")
        try:
            name = checked_name(options[b"filename"].decode("utf-8"))
        except UnicodeDecodeError:
            raise UsageError("a file name of the upload is not UTF-8") from None
        if len(self.files) == MAX_FILES:
            raise UsageError(
                f"more than {MAX_FILES:,} files in one upload", hint="Upload an archive instead."
            )
        path = self._folder / str(len(self.files))
        self._file = new_private_file(path)
        self._left = self._limit
        self.files.append((name, path))

    def _write(self, data: bytes, start: int, end: int) -> None:
        if self._file is None:
            return
        self._left -= end - start
        self._left_in_all -= end - start
        if self._left < 0:
            detail = f"{self.files[-1][0]} has more than {self._limit:,} bytes"
            raise ContractRejected(detail, failed=[{"check": "too_large", "detail": detail}])
        if self._left_in_all < 0:
            limit = self._limit * FILES_OF_FULL_SIZE
            raise BodyTooLarge(f"the files of this upload have more than {limit:,} bytes in all")
        self._file.write(data[start:end])
