"""Writes the body of a foreign answer to a file: decompressed in small steps, hashed, and held to a budget."""

from __future__ import annotations

import hashlib
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path

from watchkeeper.domain.evidence import GateCheck
from watchkeeper.services.fetched import FetchRefusedError
from watchkeeper.services.private_files import new_private_file

STEP_BYTES = 256 * 1024
"""Of compressed data this much is unfolded at once, whatever it promises."""

_GZIP = 16 + zlib.MAX_WBITS


class Budget:
    """The bytes that one check may still take; shared by all its files, also from several threads."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._left = limit
        self._lock = threading.Lock()

    @property
    def left(self) -> int:
        return self._left

    def spend(self, count: int) -> None:
        """Take from the budget; raise FetchRefusedError where it is used up."""
        with self._lock:
            self._left -= count
            if self._left < 0:
                raise self.exceeded()

    def exceeded(self) -> FetchRefusedError:
        return FetchRefusedError(GateCheck.TOO_LARGE, f"all that one check opens may have {self.limit} bytes")


class Inflater:
    """Unfolds gzip (in one member or several) or deflate (with or without zlib's frame), step by step."""

    def __init__(self, encoding: str) -> None:
        self._is_gzip = encoding == "gzip"
        self._head = b""
        self._stream = zlib.decompressobj(_GZIP) if self._is_gzip else None
        self._is_empty = True

    def unfold(self, data: bytes) -> Iterator[bytes]:
        """Give what the data unfolds to, in pieces of STEP_BYTES at most; raise zlib.error for broken data."""
        if not data:
            return
        self._is_empty = False
        if self._stream is None:
            self._head += data
            if len(self._head) < 2:
                return
            data, self._head = self._head, b""
            # RFC 1950, 2.2 tells zlib's frame by its first two bytes; servers send deflate with and without.
            framed = data[0] & 0x0F == 8 and int.from_bytes(data[:2], "big") % 31 == 0
            self._stream = zlib.decompressobj(zlib.MAX_WBITS if framed else -zlib.MAX_WBITS)
        while data:
            if self._stream.eof:
                if not self._is_gzip:
                    raise zlib.error("data after its end")
                self._stream = zlib.decompressobj(_GZIP)
            piece = self._stream.decompress(data, STEP_BYTES)
            data = self._stream.unconsumed_tail or self._stream.unused_data
            if piece:
                yield piece
            while len(piece) == STEP_BYTES and not data and not self._stream.eof:
                piece = self._stream.decompress(b"", STEP_BYTES)
                if piece:
                    yield piece

    @property
    def is_whole(self) -> bool:
        """Say whether the data came to its end."""
        return self._is_empty or (self._stream is not None and self._stream.eof)


class BodyFile:
    """One body on its way into a file of mode 0600. Each method blocks, for a small step."""

    def __init__(
        self, path: Path, budget: Budget, encoding: str | None, keep_bytes: int | None = None
    ) -> None:
        self.path = path
        self.bytes = 0
        self.is_full = False
        self._budget = budget
        self._inflater = Inflater(encoding) if encoding else None
        self._keep_bytes = keep_bytes
        self._digest = hashlib.sha256()
        self._raw = self._spent = 0
        self._file = new_private_file(path)

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def take(self, chunk: bytes) -> None:
        """Write a chunk as it came over the wire; raise FetchRefusedError for too much or for broken data."""
        self._raw += len(chunk)
        self._spend()
        try:
            for piece in self._inflater.unfold(chunk) if self._inflater else (chunk,):
                self._write(piece)
                if self.is_full:
                    return
        except zlib.error as error:
            raise FetchRefusedError(
                GateCheck.FILE_UNREADABLE, f"its compression is broken: {error}"
            ) from None

    def finish(self) -> None:
        """Close the file; raise FetchRefusedError where the compressed data was cut off."""
        self.close()
        if self._inflater is not None and not self.is_full and not self._inflater.is_whole:
            raise FetchRefusedError(GateCheck.FILE_UNREADABLE, "its compressed data ends too early")

    def close(self) -> None:
        self._file.close()

    def _write(self, piece: bytes) -> None:
        if self._keep_bytes is not None and self.bytes + len(piece) >= self._keep_bytes:
            piece = piece[: self._keep_bytes - self.bytes]
            self.is_full = True
        self.bytes += len(piece)
        self._spend()
        self._digest.update(piece)
        self._file.write(piece)

    def _spend(self) -> None:
        """Charge what came or what it unfolded to, whichever is more: neither is endless."""
        charged = max(self._raw, self.bytes)
        if charged > self._spent:
            self._spent, more = charged, charged - self._spent
            self._budget.spend(more)
