"""A log file that another process appends to, read along line by line, and kept from growing without end."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Self, TypeVar

LOOK_SECONDS = 0.2
LIMIT_BYTES = 8 * 1024 * 1024
LONGEST_LINE = 4096

T = TypeVar("T")


class Followed:
    """Gives each new line of a file to a function while something else is awaited."""

    def __init__(self, path: Path, tell: Callable[[str], None]) -> None:
        self._path = path
        self._tell = tell
        self._rest = b""

    def __enter__(self) -> Self:
        self._file = self._path.open("r+b")
        self._file.seek(0, os.SEEK_END)
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    async def until(self, awaited: Coroutine[Any, Any, T]) -> T:
        """Wait for something, telling lines meanwhile and what is left at its end."""
        task = asyncio.ensure_future(awaited)
        try:
            while not task.done():
                await asyncio.wait([task], timeout=LOOK_SECONDS)
                for line in await asyncio.to_thread(self._new_lines):
                    self._tell(line)
        finally:
            task.cancel()
        return task.result()

    def _new_lines(self) -> list[str]:
        """Give the lines that were written since the last look. Blocks."""
        self._rest += self._file.read()
        *lines, self._rest = self._rest.split(b"\n")
        self._rest = self._rest[-LONGEST_LINE:]
        if self._file.tell() > LIMIT_BYTES:
            self._begin_anew()
        return [line[:LONGEST_LINE].decode(errors="replace") for line in lines]

    def _begin_anew(self) -> None:
        """Keep one old file of the limit's size; the writer has the file open, so it is copied and emptied."""
        shutil.copyfile(self._path, self._path.with_name(self._path.name + ".1"))
        self._file.seek(0)
        self._file.truncate()
