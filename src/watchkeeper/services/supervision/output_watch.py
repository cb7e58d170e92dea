"""Follows a session's output from its files: a redacted, bounded copy is kept, and its tail goes into the record."""

from __future__ import annotations

import os
from collections import deque
from pathlib import Path
from typing import Protocol

from watchkeeper.agents.output import Follower, Line
from watchkeeper.agents.session import Session
from watchkeeper.domain.redaction import TAKEN_OUT, Redactor
from watchkeeper.domain.redaction_stream import RedactingStream
from watchkeeper.logs import log

KEPT_CHARS = 1024 * 1024
"""How much of each stream is copied; the session directory holds all of it until retention."""

TAIL_CHARS = 8_000
BACKLOG_BYTES = 8 * 1024 * 1024
"""More unread output than this is skipped but for its last megabyte: what counts is how it goes on."""

LISTENED_BACKLOG_BYTES = 64 * 1024 * 1024
"""The same of a stream of events, in which everything counts."""

AFTER_SKIP_BYTES = 1024 * 1024
TOGETHER_BYTES = 64 * 1024


class Listener(Protocol):
    """Who is told of the output as it is read, unredacted."""

    def line(self, name: str, line: Line) -> None: ...

    def skipped(self) -> None: ...


class OutputWatch:
    """Both streams of one session; made again for an adopted one, it starts over. Blocks: call it in a thread."""

    def __init__(
        self, session: Session, directory: Path, redactor: Redactor, listener: Listener | None = None
    ) -> None:
        self._streams = {
            name: _Stream(name, follower, directory / f"{name}.redacted", redactor, listener)
            for name, follower in (("stdout", session.stdout()), ("stderr", session.stderr()))
        }

    @property
    def has_more(self) -> bool:
        """Say whether something was written since the last look; cheap enough for every session and second."""
        return any(stream.has_more for stream in self._streams.values())

    @property
    def written_at(self) -> float | None:
        """Give when either stream was last written to, as Unix time; None where neither is there yet."""
        written = (stream.written_at for stream in self._streams.values())
        return max((at for at in written if at is not None), default=None)

    def look(self) -> int:
        """Take in what has come since; give how many lines."""
        return sum(stream.look() for stream in self._streams.values())

    def finish(self) -> None:
        """Take in the rest, once nobody writes any more."""
        for stream in self._streams.values():
            stream.finish()

    def tail(self, name: str, chars: int = TAIL_CHARS) -> str:
        """Give the last redacted characters of `stdout` or `stderr`, from the beginning of a line if one is there."""
        return self._streams[name].tail(chars)

    @property
    def taken_out(self) -> dict[str, list[str]]:
        """Name, as the server is told of it, the kinds of secrets in either stream, however long ago; {} for none."""
        kinds = sorted({kind for stream in self._streams.values() for kind in stream.secrets})
        return {TAKEN_OUT: kinds} if kinds else {}

    @property
    def cut(self) -> list[str]:
        """Name the streams whose file the agent has cut: what it took away may never have been read."""
        return [name for name, stream in self._streams.items() if stream.was_cut]


class _Stream:
    def __init__(
        self, name: str, follower: Follower, copy: Path, redactor: Redactor, listener: Listener | None
    ) -> None:
        self._name = name
        self._follower = follower
        self._listener = listener
        self._looked_at: tuple[int, int] | None = None
        self._copy = copy
        self._redacting = RedactingStream(redactor)
        self._tail: deque[str] = deque()
        self._tail_chars = 0
        self._copied = 0
        self.was_cut = False
        copy.unlink(missing_ok=True)

    @property
    def has_more(self) -> bool:
        return self._written() != self._looked_at

    @property
    def written_at(self) -> float | None:
        written = self._written()
        return None if written is None else written[1] / 1e9

    def _written(self) -> tuple[int, int] | None:
        try:
            about = self._follower.path.lstat()
        except OSError:
            return None
        return about.st_size, about.st_mtime_ns

    def look(self) -> int:
        written = self._written()
        skipped = self._skip_backlog()
        lines = self._follower.lines()
        if skipped:
            # The first line is a line's end, which could be the end of a secret.
            lines = [line for line in lines[:1] if line.cut] + lines[1:]
        together: list[bytes] = []
        size = 0
        for line in lines:
            if line.cut:
                self.was_cut = True
                log("output_cut", file=str(self._follower.path), detail=line.text)
            elif self._listener is not None:
                self._listener.line(self._name, line)
            together.append(line.data)
            size += len(line.data)
            if size >= TOGETHER_BYTES:
                self._redact(together)
                size = 0
        self._redact(together)
        # What was not read yet, for there is a bound to one look, is more.
        self._looked_at = written if written is None or self._follower.read_to >= written[0] else None
        return len(lines)

    def _redact(self, together: list[bytes]) -> None:
        """Take in whole lines: many at once, since each look for secrets has its price, however short the text."""
        if together:
            self._take(self._redacting.feed(b"\n".join(together) + b"\n"))
            together.clear()

    def finish(self) -> None:
        """Read to the end that the file has now: a spared daemon may write on for ever."""
        end = (self._written() or (0, 0))[0]
        self.look()
        while self._follower.read_to < end and not self._follower.is_cut():
            self.look()
        if (last := self._follower.last()) is not None:
            if self._listener is not None:
                self._listener.line(self._name, last)
            self._take(self._redacting.feed(last.data))
        self._take(self._redacting.close())

    @property
    def secrets(self) -> set[str]:
        return set(self._redacting.found)

    def tail(self, chars: int) -> str:
        text = "".join(self._tail)
        if len(text) > chars:
            text = text[-chars:].partition("\n")[2] or text[-chars:]
        return text.strip().replace("\0", "\ufffd")

    def _take(self, text: str) -> None:
        if not text:
            return
        self._tail.append(text)
        self._tail_chars += len(text)
        while self._tail_chars - len(self._tail[0]) > TAIL_CHARS:
            self._tail_chars -= len(self._tail.popleft())
        if len(self._tail[0]) > 4 * TAIL_CHARS:
            self._tail[0] = self._tail[0][-2 * TAIL_CHARS :]
            self._tail_chars = sum(map(len, self._tail))
        self._keep(text)

    def _keep(self, text: str) -> None:
        left = KEPT_CHARS - self._copied
        if left <= 0:
            return
        self._copied += len(text)
        text = text if len(text) < left else f"{text[:left]}\n[the rest is left out here]\n"
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            with os.fdopen(
                os.open(self._copy, flags, 0o600), "a", encoding="utf-8", errors="replace"
            ) as file:
                file.write(text)
        except OSError as error:
            self._copied = KEPT_CHARS
            log("output_not_copied", file=str(self._copy), detail=str(error))

    def _skip_backlog(self) -> bool:
        try:
            size = self._follower.path.stat().st_size
        except FileNotFoundError:
            return False
        most = BACKLOG_BYTES if self._listener is None else LISTENED_BACKLOG_BYTES
        if size - self._follower.read_to <= most or self._follower.is_cut():
            return False
        self._take(
            self._redacting.feed(f"[{size - self._follower.read_to - AFTER_SKIP_BYTES} bytes skipped]\n")
        )
        self._follower = Follower(self._follower.path, size - AFTER_SKIP_BYTES)
        if self._listener is not None:
            self._listener.skipped()
        return True
