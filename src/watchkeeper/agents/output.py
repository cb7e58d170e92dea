"""Following a session's output from its file by offset, line by line, in bounded memory."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Protocol

MAX_LINE_BYTES = 16 * 1024 * 1024
"""The longest line that is kept whole; agents write lines of 10 MB and more."""

KEPT_BYTES = 64 * 1024
"""How much of a longer line is kept from its head, and as much from its tail."""

READ_BYTES = 1024 * 1024

SEEN_BYTES = 4096
"""How much of what was read last is looked at again: by it a file that was cut and has grown since is known."""


class Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...
    def hexdigest(self) -> str: ...


@dataclass(frozen=True)
class Line:
    """One line, without its newline. `end` is the offset after it: where to go on from once it is dealt with.

    A line over the bound has `sha256` and `size` of the whole, and `data` is its head, a note, and its tail.
    One with `cut` was not in the file: it tells that the file was cut, and that the next is from its beginning.
    """

    data: bytes
    start: int
    end: int
    size: int
    sha256: str | None = None
    cut: bool = False

    @property
    def text(self) -> str:
        return self.data.decode(errors="replace")


class Follower:
    """Follow one growing file from an offset that stands at the beginning of a line.

    `offset` is where the first line not yet given begins: keep it, and a new Follower goes on from there. The
    file may not exist yet. Its writer can cut it (append-only does not hold off ftruncate): then it is read from its
    beginning. Not safe to use from two threads at once.
    """

    def __init__(self, path: Path, offset: int = 0, max_line: int = MAX_LINE_BYTES) -> None:
        self.path = path
        self.offset = offset
        self._max_line = max_line
        self._read_to = offset
        self._seen = b""
        self._pending: deque[bytes] = deque()
        self._size = 0
        self._long: _LongLine | None = None

    @property
    def read_to(self) -> int:
        """Give the offset up to which the file was read; what stands before it may wait for the end of its line."""
        return self._read_to

    def lines(self, max_bytes: int = 8 * READ_BYTES) -> list[Line]:
        """Give the whole lines that have come since, reading `max_bytes` at most."""
        file = self._open()
        if file is None:
            return []
        with file:
            found = self._started_over(file) if self._is_cut(file) else []
            chunks = self._chunks(file, max_bytes)
        for chunk in chunks:
            *whole, rest = chunk.split(b"\n")
            for part in whole:
                self._add(part)
                found.append(self._finish(newline=1))
            self._add(rest)
        return found

    def last(self) -> Line | None:
        """Give what stands after the last newline, if anything, once nobody writes any more."""
        return self._finish(newline=0) if self._size else None

    def is_cut(self) -> bool:
        """Say whether what was read is no longer what the file holds; the next lines are from its beginning then."""
        file = self._open()
        if file is None:
            return False
        with file:
            return self._is_cut(file)

    def _open(self) -> FileIO | None:
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        return FileIO(descriptor)

    def _is_cut(self, file: FileIO) -> bool:
        seen = self._seen
        return os.pread(file.fileno(), len(seen), self._read_to - len(seen)) != seen or (
            os.fstat(file.fileno()).st_size < self._read_to
        )

    def _started_over(self, file: FileIO) -> list[Line]:
        """Go back to the beginning; give the line that was not whole yet, and one that tells of the cut."""
        unfinished = [self._finish(newline=0)] if self._size else []
        size = os.fstat(file.fileno()).st_size
        note = f"[the output was cut here: {self._read_to} bytes were read, {size} are there now]".encode()
        self.offset, self._read_to, self._seen = 0, 0, b""
        return [*unfinished, Line(note, 0, 0, len(note), cut=True)]

    def _chunks(self, file: FileIO, max_bytes: int) -> list[bytes]:
        chunks: list[bytes] = []
        file.seek(self._read_to)
        while max_bytes > 0 and (chunk := file.read(min(READ_BYTES, max_bytes))):
            chunks.append(chunk)
            max_bytes -= len(chunk)
            self._read_to += len(chunk)
            self._seen = (self._seen + chunk)[-SEEN_BYTES:]
        return chunks

    def _add(self, part: bytes) -> None:
        self._size += len(part)
        if self._long is None and self._size > self._max_line:
            self._long = _LongLine()
            for piece in self._pending:
                self._long.add(piece)
            self._pending.clear()
        if self._long is not None:
            self._long.add(part)
        elif part:
            self._pending.append(part)

    def _finish(self, newline: int) -> Line:
        start, size = self.offset, self._size
        self.offset = start + size + newline
        if self._long is not None:
            line = Line(self._long.data(size), start, self.offset, size, self._long.hash.hexdigest())
        else:
            line = Line(b"".join(self._pending), start, self.offset, size)
        self._pending.clear()
        self._size, self._long = 0, None
        return line


class _LongLine:
    """Head, tail and hash of a line that is too long to hold."""

    def __init__(self) -> None:
        self.hash: Hash = hashlib.sha256()
        self.head = b""
        self.tail = b""

    def add(self, part: bytes) -> None:
        self.hash.update(part)
        room = KEPT_BYTES - len(self.head)
        self.head += part[: max(room, 0)]
        self.tail = (self.tail + part[max(room, 0) :])[-KEPT_BYTES:]

    def data(self, size: int) -> bytes:
        left_out = size - len(self.head) - len(self.tail)
        return self.head + f" [{left_out} bytes left out] ".encode() + self.tail
