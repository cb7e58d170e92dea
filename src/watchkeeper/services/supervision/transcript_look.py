"""Looks at the transcript that an agent itself writes: whether it grows, and what it says was used so far.

The file is the agent's own. It is opened as one that could be anything, and what it says can only end its own turn.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

from watchkeeper.agents.adapter import Tally
from watchkeeper.domain.sessions.facts import SessionFact, TranscriptGrew

MOST_BYTES = 4 * 1024 * 1024
"""How much is read at one look; the rest waits for the next."""

LONGEST_LINE = 1024 * 1024
"""A longer line holds somebody's output, not a count."""


class TranscriptLook:
    """One turn's transcript; `find` gives its path once it is there. Blocks for short times."""

    def __init__(self, find: Callable[[], Path | None], tally: Tally | None) -> None:
        self._find = find
        self._tally = tally
        self._path: Path | None = None
        self._size: int | None = None
        self.written_at: float | None = None
        self._offset = 0
        self._rest = b""

    def look(self) -> list[SessionFact]:
        """Say whether it grew since the last look, and what it tells of use. What was there at first is no growth."""
        self._path = self._path or self._find()
        if self._path is None:
            self._size = 0
            return []
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            descriptor = os.open(self._path, flags)
        except OSError:
            return []
        try:
            about = os.fstat(descriptor)
            if not stat.S_ISREG(about.st_mode):
                return []
            grew = self._size is not None and about.st_size > self._size
            self._size, self.written_at = about.st_size, about.st_mtime
            return [*([TranscriptGrew()] if grew else []), *self._used(descriptor)]
        finally:
            os.close(descriptor)

    def _used(self, descriptor: int) -> list[SessionFact]:
        if self._tally is None:
            return []
        data = os.pread(descriptor, MOST_BYTES, self._offset)
        self._offset += len(data)
        *lines, rest = (self._rest + data).split(b"\n")
        self._rest = rest if len(rest) <= LONGEST_LINE else b""
        told = [spent for line in lines if (spent := self._tally.take(line)) is not None]
        return list(told[-1:])
